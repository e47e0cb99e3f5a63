//! How far two values are apart.

use serde_json::Value;

/// The largest difference of the numbers in two values of one form; `None` if anything else differs. `null`
/// stands for a number that is none.
pub(super) fn difference(expected: &Value, ours: &Value) -> Option<f64> {
    match (expected, ours) {
        (Value::Number(a), Value::Number(b)) => {
            let difference = (a.as_f64()? - b.as_f64()?).abs();
            // Infinite by finite is no difference of numbers.
            (!difference.is_nan()).then_some(difference)
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b);
            pairs.map(|(a, b)| difference(a, b)).try_fold(0.0, largest)
        }
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
            let pairs = a.iter().map(|(key, a)| difference(a, b.get(key)?));
            pairs.into_iter().try_fold(0.0, largest)
        }
        (a, b) => (a == b).then_some(0.0),
    }
}

fn largest(largest: f64, next: Option<f64>) -> Option<f64> {
    next.map(|next| largest.max(next))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_differ_by_their_distance_and_all_else_by_being_another() {
        let a = json!({"ndcg": [0.5, null], "top": "goose"});
        let b = json!({"ndcg": [0.75, null], "top": "goose"});
        assert_eq!(difference(&a, &b), Some(0.25));
        for other in [
            json!({"ndcg": [0.5, 0.0], "top": "goose"}),
            json!({"ndcg": [0.5], "top": "goose"}),
            json!({"ndcg": [0.5, null], "top": "swan"}),
            json!({"ndcg": [0.5, null], "bottom": "goose"}),
        ] {
            assert_eq!(difference(&a, &other), None, "{other}");
        }
    }
}
