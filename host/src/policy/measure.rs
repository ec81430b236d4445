//! Gates on measurements: whether the bound of a confidence interval is where it has to be. What a gate finds
//! nothing to judge by is never a pass: a misspelt label would otherwise switch it off.

use crate::config::{Condition, ConditionValue, MeasurementGate};
use crate::finding::Measurement;
use crate::outcome::GateVerdict;

/// Numbers nearer than this are the same: what was measured under 8/255 may say 0.03137254901960784.
const NEAR: f64 = 1e-9;

/// What a gate came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// What it says.
    pub verdict: GateVerdict,
    /// How many measurements it looked at.
    pub counted: u64,
    /// What decided: the worst of them, or why there is none.
    pub detail: String,
}

/// Judges all measurements that a gate means; each of them has to pass.
pub fn judge(gate: &MeasurementGate, measurements: &[Measurement]) -> Measured {
    let unjudged = |detail: String| Measured { verdict: GateVerdict::Unjudged, counted: 0, detail };
    let named: Vec<&Measurement> = measurements.iter().filter(|m| m.name == gate.name.value).collect();
    if named.is_empty() {
        let names: std::collections::BTreeSet<&str> = measurements.iter().map(|m| m.name.as_str()).collect();
        let near = crate::config::suggest::nearest(&gate.name.value, names.iter().copied());
        let help = match near {
            Some(near) => format!(", did you mean `{near}`?"),
            None if names.is_empty() => "; no plugin of this run measured anything".into(),
            None => format!("; there are {}", names.into_iter().collect::<Vec<_>>().join(", ")),
        };
        return unjudged(format!("there is no measurement `{}`{help}", gate.name.value));
    }
    let meant: Vec<&Measurement> =
        named.iter().copied().filter(|m| gate.conditions.iter().all(|condition| holds(condition, m))).collect();
    if meant.is_empty() {
        let seen: Vec<String> = named.iter().take(3).map(|m| labels(m)).collect();
        return unjudged(format!(
            "no `{}` has what its `where` asks for; there are {}",
            gate.name.value,
            seen.join(", ")
        ));
    }
    let counted = meant.len() as u64;
    let mut passed = None;
    for m in &meant {
        let sides = [
            (gate.min_lower95, m.lower95, "lower", "below", "not below"),
            (gate.max_upper95, m.upper95, "upper", "above", "not above"),
        ];
        for (limit, bound, side, bad, good) in sides {
            let Some(limit) = limit else { continue };
            let Some(bound) = bound else {
                return unjudged(format!("{} {} has no {side} bound of its confidence interval", m.name, labels(m)));
            };
            // What is no number is never where it has to be.
            let holds = if side == "lower" { bound >= limit } else { bound <= limit };
            let what = |relation: &str| format!("its {side} bound {bound} is {relation} {limit} for {}", labels(m));
            if !holds {
                return Measured { verdict: GateVerdict::Failed, counted, detail: what(bad) };
            }
            passed.get_or_insert_with(|| what(good));
        }
    }
    Measured { verdict: GateVerdict::Passed, counted, detail: passed.unwrap_or_default() }
}

/// The number that a text is: `0.03`, `3e-2`, or a fraction of two such, `8/255`.
pub fn number(text: &str) -> Option<f64> {
    let plain = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    match text.split_once('/') {
        Some((above, below)) => {
            let (above, below) = (plain(above)?, plain(below)?);
            Some(above / below).filter(|number| number.is_finite())
        }
        None => plain(text),
    }
}

fn holds(condition: &Condition, measurement: &Measurement) -> bool {
    let mut values = measurement.labels.iter().filter(|(key, _)| *key == condition.label).map(|(_, value)| value);
    values.any(|value| match &condition.value {
        ConditionValue::Number(wanted) => number(value).is_some_and(|number| (number - wanted).abs() <= NEAR),
        ConditionValue::Text(wanted) => value == wanted,
    })
}

fn labels(measurement: &Measurement) -> String {
    let labels: Vec<_> = measurement.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{{{}}}", labels.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Spanned;

    fn measurement(labels: &[(&str, &str)], lower95: Option<f64>) -> Measurement {
        Measurement {
            name: "evasion.robust_accuracy".into(),
            plugin: "evasion".to_owned().try_into().unwrap(),
            labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            value: 0.5,
            unit: "ratio".into(),
            trials: 200,
            lower95,
            upper95: Some(0.7),
        }
    }

    fn gate(conditions: &[(&str, ConditionValue)]) -> MeasurementGate {
        let condition =
            |(label, value): &(&str, ConditionValue)| Condition { label: (*label).to_owned(), value: value.clone() };
        MeasurementGate {
            name: Spanned { value: "evasion.robust_accuracy".into(), span: 0..1 },
            conditions: conditions.iter().map(condition).collect(),
            min_lower95: Some(0.6),
            max_upper95: None,
        }
    }

    #[test]
    fn every_measurement_that_is_meant_has_to_pass() {
        let pgd = ("attack", ConditionValue::Text("pgd".into()));
        let good = measurement(&[("attack", "pgd"), ("epsilon", "0.03")], Some(0.6));
        let bad = measurement(&[("attack", "pgd"), ("epsilon", "0.1")], Some(0.599_999_9));
        let other = measurement(&[("attack", "fgsm")], Some(0.1));
        assert_eq!(
            judge(&gate(std::slice::from_ref(&pgd)), &[good.clone(), other.clone()]).verdict,
            GateVerdict::Passed
        );
        let failed = judge(&gate(std::slice::from_ref(&pgd)), &[good.clone(), bad, other]);
        assert_eq!((failed.verdict, failed.counted), (GateVerdict::Failed, 2));
        assert_eq!(failed.detail, "its lower bound 0.5999999 is below 0.6 for {attack=pgd, epsilon=0.1}");
        let nan = measurement(&[], Some(f64::NAN));
        assert_eq!(judge(&gate(&[]), &[nan]).verdict, GateVerdict::Failed);
        let upper = MeasurementGate { min_lower95: None, max_upper95: Some(0.65), ..gate(&[]) };
        assert_eq!(judge(&upper, &[good]).verdict, GateVerdict::Failed);
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        for (label, wanted, same) in [
            ("0.03137254901960784", 8.0 / 255.0, true),
            ("8/255", 8.0 / 255.0, true),
            ("3e-2", 0.03, true),
            ("0.0300000009", 0.03, true),
            ("0.030000002", 0.03, false),
            ("8/0", 8.0, false),
            ("x", 0.03, false),
        ] {
            let condition = Condition { label: "epsilon".into(), value: ConditionValue::Number(wanted) };
            assert_eq!(holds(&condition, &measurement(&[("epsilon", label)], None)), same, "{label}");
        }
        assert_eq!((number("inf"), number("1/inf"), number("nan"), number("")), (None, None, None, None));
    }

    #[test]
    fn nothing_to_judge_is_no_pass() {
        let unjudged = |gate: &MeasurementGate, measurements: &[Measurement]| {
            let measured = judge(gate, measurements);
            assert_eq!(measured.verdict, GateVerdict::Unjudged);
            measured.detail
        };
        assert!(unjudged(&gate(&[]), &[]).contains("no plugin of this run measured anything"));
        let misspelt =
            MeasurementGate { name: Spanned { value: "evasion.robust-acuracy".into(), span: 0..1 }, ..gate(&[]) };
        let some = measurement(&[("attack", "fgsm")], Some(0.9));
        assert!(unjudged(&misspelt, std::slice::from_ref(&some)).contains("did you mean `evasion.robust_accuracy`?"));
        let pgd = gate(&[("attack", ConditionValue::Text("pgd".into()))]);
        assert!(unjudged(&pgd, &[some]).contains("there are {attack=fgsm}"));
        assert!(unjudged(&gate(&[]), &[measurement(&[], None)]).contains("no lower bound"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9a-zA-Z./+ -]{0,20}") {
            assert!(number(&text).is_none_or(f64::is_finite));
        }
    }
}
