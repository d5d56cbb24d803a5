// A telephone for tests: plays a recording to the server as a running call, in the pace of speech, round and round until
// it is hung up.
import { readFileSync } from "node:fs";

/**
 * Calls from a page of its own; resolves when the call has begun, with how to hang up. `marked` turns carry the two
 * tones by which a server with --live-script knows their words, the same as `runaround dial --marked` puts there;
 * `line` is the number of the first in the script.
 */
export async function call(context, base, recording, facts, marked = []) {
  const page = await context.newPage();
  await page.goto(`${base}/favicon.svg`);
  await page.evaluate(async ({ bytes, facts, marked }) => {
    const RATE = 8000, sound = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)).buffer);
    const channels = Math.min(2, sound.numberOfChannels), samples = new Int16Array(sound.length * channels);
    for (let one = 0; one < channels; one++) sound.getChannelData(one).forEach((value, n) => (samples[n * channels + one] = Math.max(-1, Math.min(1, value)) * 32_767));
    marked.forEach(({ channel, start_ms, end_ms, line = 0 }, at) => {
      const n = line + at;
      const from = start_ms + 80, to = Math.max(from, Math.min(from + 300, end_ms - 20));
      const first = Math.floor((from * RATE) / 1000);
      for (let place = first; place < (to * RATE) / 1000; place++) {
        const angle = (2 * Math.PI * (place - first)) / RATE;
        const tones = Math.sin((2600 + 50 * Math.floor(n / 10)) * angle) + Math.sin((3150 + 50 * (n % 10)) * angle);
        samples[place * channels + channel] += 0.02 * 32_768 * tones;
      }
    });
    const line = new WebSocket(`${location.origin.replace("http", "ws")}/v1/live/pcm`);
    await new Promise((done, fail) => {
      line.onopen = () => line.send(JSON.stringify({ type: "hello", rate_hz: RATE, encoding: "pcm_s16le", channels, roles: channels === 2 ? ["caller", "agent"] : ["mixed"], facts }));
      line.onmessage = () => done();
      line.onclose = (event) => fail(new Error(`the call was refused: ${event.code} ${event.reason}`));
    });
    const began = performance.now(), step = RATE / 50, steps = Math.floor(sound.length / step);
    let sent = 0;
    const clock = setInterval(() => {
      const due = Math.floor(((performance.now() - began) / 1000) * 50);
      for (; sent < due; sent++) line.send(samples.slice((sent % steps) * step * channels, ((sent % steps) + 1) * step * channels));
    }, 20);
    window.hangUp = () => new Promise((done) => {
      clearInterval(clock);
      line.onclose = () => done();
      line.send(JSON.stringify({ type: "stop" }));
    });
  }, { bytes: readFileSync(recording).toString("base64"), facts, marked });
  return async () => {
    await page.evaluate(() => window.hangUp());
    await page.close();
  };
}
