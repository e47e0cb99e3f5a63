//! Pages with `{{names}}` where what is made goes.

/// What all pages look like.
pub(crate) const STYLE: &str = include_str!("style.css");

/// Puts each value at its `{{name}}`, and the looks at `{{style}}` if there are no others. Values are not searched
/// for names.
pub(crate) fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut page = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").expect("the page closes its braces");
        page.push_str(before);
        let value = values.iter().find(|(known, _)| *known == name);
        let style = (name == "style").then_some(STYLE);
        let value = value.map(|(_, value)| value.as_str()).or(style);
        page.push_str(value.expect("the page names only what is made"));
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
