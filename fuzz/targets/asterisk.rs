#![no_main]

mod messages;

use libfuzzer_sys::fuzz_target;
use runaround_fuzz::protocol::asterisk::Asterisk;

fuzz_target!(|data: &[u8]| messages::feed(Asterisk::default(), data));
