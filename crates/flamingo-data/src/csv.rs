//! Tables of values with commas between them (RFC 4180).

/// The rows that are not empty, each with the number of the line that it begins in, from 1. A field in quotes may hold
/// commas, ends of lines and doubled quotes; a quote that nothing closes ends with the text.
pub(crate) fn records(text: &str) -> impl Iterator<Item = (usize, Vec<String>)> {
    let (mut rest, mut line) = (text, 1);
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let first = line;
            let (record, length) = record(rest);
            line += rest[..length].matches('\n').count();
            rest = &rest[length..];
            if record.iter().any(|field| !field.is_empty()) {
                return Some((first, record));
            }
        }
    })
}

/// The first row, and its bytes with its end.
fn record(text: &str) -> (Vec<String>, usize) {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if quoted && chars.next_if(|(_, next)| *next == '"').is_some() => field.push('"'),
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            '\r' if !quoted && chars.peek().is_some_and(|(_, next)| *next == '\n') => {}
            '\n' if !quoted => {
                fields.push(field);
                return (fields, at + 1);
            }
            c => field.push(c),
        }
    }
    fields.push(field);
    (fields, text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_with_the_lines_that_they_begin_in() {
        let rows: Vec<_> = records("a,b\r\n\n\"x\ny\",\nz\n\"open,").collect();
        let row = |line, fields: [&str; 2]| (line, fields.map(str::to_owned).to_vec());
        let alone = |line, field: &str| (line, vec![field.to_owned()]);
        assert_eq!(
            rows,
            [
                row(1, ["a", "b"]),
                row(3, ["x\ny", ""]),
                alone(5, "z"),
                alone(6, "open,")
            ]
        );
        assert_eq!(records("").count(), 0);
    }
}
