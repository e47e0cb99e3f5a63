//! Pages with `{{names}}` where what is made goes.

/// What all pages look like.
pub(super) const STYLE: &str = include_str!("style.css");

/// Puts each value at its `{{name}}`, and the looks at `{{style}}`. Values are not searched for names.
pub(super) fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut page = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").expect("the page closes its braces");
        page.push_str(before);
        page.push_str(match name {
            "style" => STYLE,
            _ => {
                let value = values.iter().find(|(known, _)| *known == name);
                &value.expect("the page names only what is made").1
            }
        });
        rest = after;
    }
    page + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_put_at_their_names_and_not_searched() {
        let values = [("a", "{{b}}".to_owned()), ("b", "2".to_owned())];
        assert_eq!(fill("x{{a}}y{{b}}z", &values), "x{{b}}y2z");
        assert_eq!(fill("{{style}}", &[]), STYLE);
    }
}
