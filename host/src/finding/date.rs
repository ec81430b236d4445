//! Days of the calendar, as an expiry is written. A day is UTC's: an expiry that depends on the machine's time
//! zone would make two runs differ.

use std::fmt;
use std::str::FromStr;

use jiff::civil;
use serde::{Deserialize, Serialize};

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(civil::Date);

impl Date {
    /// A day of the calendar; none when there is no such day.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        civil::Date::new(year, month, day).ok().map(Self)
    }

    /// The day that computers count from.
    pub fn epoch() -> Self {
        Self(civil::Date::constant(1970, 1, 1))
    }

    /// Today, in UTC.
    pub fn today() -> Self {
        Self(jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// Its year.
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// How many days it is from `other` to this day; negative when this day is the earlier one.
    pub fn days_since(self, other: Self) -> i64 {
        let day = |date: Self| date.0.to_zoned(jiff::tz::TimeZone::UTC).map_or(0, |time| time.timestamp().as_second());
        (day(self) - day(other)) / (24 * 60 * 60)
    }

    /// The day that is so many days later.
    #[must_use]
    pub fn plus_days(self, days: u32) -> Self {
        Self(self.0.saturating_add(jiff::Span::new().days(i64::from(days.min(100_000)))))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for Date {
    type Err = String;

    /// `2027-01-31`, and nothing else.
    fn from_str(text: &str) -> Result<Self, String> {
        let shape = text.len() == 10
            && text.bytes().enumerate().all(|(at, b)| match at {
                4 | 7 => b == b'-',
                _ => b.is_ascii_digit(),
            });
        let date = shape.then(|| text.parse().ok()).flatten().map(Self);
        date.ok_or_else(|| "a day is written as YYYY-MM-DD".into())
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl TryFrom<String> for Date {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_over_months_and_leap_years() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(day("2028-03-01").days_since(day("2028-02-28")), 2);
        assert_eq!(day("2027-01-01").days_since(day("2027-01-31")), -30);
        assert_eq!(day("2027-12-25").plus_days(14).to_string(), "2028-01-08");
    }

    #[test]
    fn only_one_form_is_a_day() {
        for wrong in ["2027-1-31", "2027-02-30", "20270131", "2027-01-31T00:00:00Z", "", "+027-01-01"] {
            assert!(wrong.parse::<Date>().is_err(), "{wrong}");
        }
    }
}
