#![no_main]

mod messages;

use libfuzzer_sys::fuzz_target;
use runaround_fuzz::protocol::twilio::Twilio;

fuzz_target!(|data: &[u8]| messages::feed(Twilio::default(), data));
