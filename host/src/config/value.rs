//! Sizes and durations as people write them. Shared by `scan.toml` and the command line; the error is what
//! is wrong, in words that can stand in a message.

use std::fmt::Write as _;
use std::time::Duration;

/// The longest duration: thirty days.
const MAX_MILLIS: u64 = 30 * 24 * 3_600_000;

/// `10MB`, `256MiB`, `4096`; a whole number, more than 0.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (number, unit) = text.split_at(digits(text));
    let factor: u64 = match unit.trim_start() {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err("is no size; write a whole number and one of B, KB, MB, GB, KiB, MiB, GiB".into()),
    };
    if number.is_empty() {
        return Err("is no size; it starts with a whole number".into());
    }
    match number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)) {
        None => Err("is too large a size".into()),
        Some(0) => Err("is no size; it has to be more than 0".into()),
        // What a TOML integer can hold, so that both ways of writing a size reach equally far.
        Some(size) if i64::try_from(size).is_err() => Err("is too large a size".into()),
        Some(size) => Ok(size),
    }
}

/// `2s`, `500ms`, `1m30s`, `1h`; larger units first, each once; more than 0.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    const SHAPE: &str = "is no duration; write whole numbers with h, m, s or ms, larger units first, as in `1m30s`";
    let mut rest = text.trim();
    let mut last_factor = u64::MAX;
    let mut millis: u64 = 0;
    if rest.is_empty() {
        return Err(SHAPE.into());
    }
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(digits(rest));
        let unit_len = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at(unit_len);
        let factor = match unit {
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            _ => return Err(SHAPE.into()),
        };
        if number.is_empty() || factor >= last_factor {
            return Err(SHAPE.into());
        }
        let part = number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor));
        millis = match part.and_then(|part| millis.checked_add(part)) {
            Some(sum) if sum <= MAX_MILLIS => sum,
            _ => return Err("is too long a duration; the most is 720h".into()),
        };
        last_factor = factor;
        rest = tail;
    }
    if millis == 0 { Err("is no duration; it has to be more than 0".into()) } else { Ok(Duration::from_millis(millis)) }
}

/// A duration as [`parse_duration`] reads it.
pub fn format_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut out = String::new();
    for (factor, unit) in [(3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")] {
        if rest >= factor {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "{}{unit}", rest / factor);
            rest %= factor;
        }
    }
    out
}

/// `14d`: whole days, 0 allowed. Not a duration: an expiry knows days of the calendar, and no hours.
pub fn parse_days(text: &str) -> Result<u32, String> {
    let number = text.trim().strip_suffix('d').filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let Some(number) = number else {
        return Err("is no number of days; write a whole number and d, as in `14d`".into());
    };
    number.parse().map_err(|_| "is too many days".into())
}

/// How many digits a text starts with.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(parse_size("256MiB"), Ok(268_435_456));
        assert_eq!(parse_size("10 MB"), Ok(10_000_000));
        assert_eq!(parse_size("4096"), Ok(4096));
        for bad in
            ["", "MB", "0", "0MiB", "1.5MB", "-1", "10mb", "10 M B", "99999999999GiB", "18446744073709551615", "1é"]
        {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn days() {
        assert_eq!(parse_days("14d"), Ok(14));
        assert_eq!(parse_days(" 0d "), Ok(0));
        for bad in ["", "d", "14", "14 d", "-1d", "1.5d", "2w", "14dd", "99999999999d", "1é"] {
            assert!(parse_days(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("720h"), Ok(Duration::from_hours(720)));
        for text in ["720h", "1m30s", "2s", "1h1ms"] {
            assert_eq!(parse_duration(text).map(format_duration).as_deref(), Ok(text));
        }
        for bad in
            ["", "5", "s", "0s", "30s1m", "1s1s", "1.5s", "2 s", "721h", "99999999999999999999s", "1d", "-1s", "1é"]
        {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
