//! G.711, both laws, a sample at a time (ITU-T G.711).

/// A µ-law byte as 16 bits.
pub const fn mulaw(byte: u8) -> i16 {
    let byte = !byte;
    let (exponent, mantissa) = ((byte >> 4) & 7, (byte & 0x0f) as i16);
    let magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84;
    if byte & 0x80 == 0 { magnitude } else { -magnitude }
}

/// An A-law byte as 16 bits.
pub const fn alaw(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let (exponent, mantissa) = ((byte >> 4) & 7, (byte & 0x0f) as i16);
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    if byte & 0x80 == 0 { -magnitude } else { magnitude }
}

/// The µ-law byte nearest to a sample.
pub fn to_mulaw(sample: i16) -> u8 {
    let magnitude = (i32::from(sample).abs()).min(32_635) + 0x84;
    let exponent = (31 - magnitude.leading_zeros()).saturating_sub(7);
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    let byte = ((exponent << 4) as u8) | mantissa as u8 | if sample < 0 { 0x80 } else { 0 };
    !byte
}

/// The A-law byte of a sample.
pub fn to_alaw(sample: i16) -> u8 {
    let positive = sample >= 0;
    let magnitude = if positive { i32::from(sample) } else { -(i32::from(sample) + 1) };
    let byte = if magnitude < 256 {
        (magnitude >> 4) as u8
    } else {
        let exponent = (31 - magnitude.leading_zeros()) - 7;
        ((exponent << 4) as u8) | ((magnitude >> (exponent + 3)) & 0x0f) as u8
    };
    (byte | if positive { 0x80 } else { 0 }) ^ 0x55
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_of_the_tables() {
        assert_eq!([mulaw(0xff), mulaw(0x7f), mulaw(0x80), mulaw(0x00)], [0, 0, 32_124, -32_124]);
        assert_eq!([alaw(0xd5), alaw(0x55), alaw(0xaa), alaw(0x2a)], [8, -8, 32_256, -32_256]);
    }

    #[test]
    fn what_was_coded_once_comes_back_the_same() {
        for byte in 0..=255u8 {
            assert_eq!(mulaw(to_mulaw(mulaw(byte))), mulaw(byte), "{byte}");
            assert_eq!(alaw(to_alaw(alaw(byte))), alaw(byte), "{byte}");
        }
    }
}
