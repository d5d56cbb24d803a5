#![no_main]

mod messages;

use libfuzzer_sys::fuzz_target;
use runaround_fuzz::protocol::pcm::Pcm;

fuzz_target!(|data: &[u8]| messages::feed(Pcm::default(), data));
