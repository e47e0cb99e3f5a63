//! Formulas, readings and code, as they are written down in pages.

use flamingo_page::{Kind, Part};

use crate::extraction::{article, extraction, middle};

#[test]
fn a_formula_is_read_once_and_as_tex_where_there_is_tex() {
    let math = |inner: &str| {
        format!(
            "<math><semantics><mrow><mi>x</mi><mo>=</mo><msup><mn>2</mn><mn>3</mn></msup></mrow>{inner}</semantics></math>"
        )
    };
    let tex = "<annotation encoding='application/x-tex'>x=2^3</annotation>";
    for (formula, expected) in [
        (
            format!(
                "<span class=katex><span class=katex-mathml>{}</span><span class=katex-html aria-hidden=true><span>x</span>=<span>23</span></span></span>",
                math(tex)
            ),
            "x=2^3",
        ),
        (
            format!(
                "<mjx-container class='MathJax CtxtMenu_Attached_0'><mjx-math aria-hidden=true>x=23</mjx-math><mjx-assistive-mml>{}</mjx-assistive-mml></mjx-container>",
                math("")
            ),
            "x=2^{3}",
        ),
        (
            format!(
                "<span class=MathJax><nobr aria-hidden=true><span>x=23</span></nobr><span class=MJX_Assistive_MathML>{}</span></span><script type='math/tex'>x=2^3</script>",
                math("")
            ),
            "x=2^3",
        ),
        (
            "<math alttext='{\\displaystyle x=2^{3}}'><mi>x</mi><mo>=</mo><mn>8</mn></math>"
                .to_owned(),
            "x=2^{3}",
        ),
        (
            "<span class=MathJax_Preview>x=2^3</span><span class=MathJax><nobr>x=23</nobr></span><script type='math/tex'>x=2^3</script>".to_owned(),
            "x=2^3",
        ),
        (
            "<span class=MathJax_Preview>[x=2^3]</span><script type='math/tex; mode=display'>x=2^3</script>".to_owned(),
            "x=2^3",
        ),
        (math(tex), "x=2^3"),
        (
            "<math><mfrac><mn>1</mn><mn>2</mn></mfrac></math>".to_owned(),
            "\\frac{1}{2}",
        ),
    ] {
        assert_eq!(
            middle(&format!("<p>Say {formula} here.</p>")),
            format!("Paragraph: Say {expected} here."),
            "{formula}"
        );
    }
}

#[test]
fn readings_are_not_run_into_the_text() {
    let body = "<p><ruby>岬<rt>みさき</rt></ruby>の<ruby>花<rt>か</rt>崗<rt>こう</rt></ruby>、<ruby>漢<rp>(</rp><rt>han</rt><rp>)</rp></ruby></p>";
    assert_eq!(middle(body), "Paragraph: 岬の花崗、漢");
}

fn codes(body: &str) -> Vec<String> {
    let parts = extraction(&article(body)).page.parts;
    let texts = parts.into_iter().filter_map(|part| match part {
        Part::Text(text) if text.kind == Kind::Code => Some(text.text),
        _ => None,
    });
    texts.collect()
}

#[test]
fn code_is_one_part_without_line_numbers_and_with_its_blank_lines() {
    let lines = ["fn main() {", "    one();", "", "    two();", "}"];
    let each = |line: &dyn Fn(usize, &str) -> String| -> String {
        lines
            .iter()
            .enumerate()
            .map(|(index, text)| line(index + 1, text))
            .collect()
    };
    let numbers = each(&|n, _| format!("{n}\n"));
    let code = lines.join("\n");
    let forms = [
        format!(
            "<table class=highlighttable><tr><td class=linenos><div><pre>{numbers}</pre></div></td><td class=code><div><pre>{code}\n</pre></div></td></tr></table>"
        ),
        format!(
            "<table><tr><td><pre>{numbers}</pre></td><td><pre><code>{code}</code></pre></td></tr></table>"
        ),
        format!("<div><div><pre>{numbers}</pre></div><div><pre>{code}</pre></div></div>"),
        format!(
            "<pre><code>{}</code></pre>",
            each(&|_, text| format!("<div class=line>{text}</div>"))
        ),
        format!(
            "<pre><code>{}</code></pre>",
            each(&|_, text| format!("<div>{text}\n</div>"))
        ),
        format!(
            "<pre><ol>{}</ol></pre>",
            each(&|_, text| format!("<li>{text}</li>"))
        ),
        format!(
            "<pre>{}</pre>",
            each(&|_, text| format!("<span class=line>{text}</span>"))
        ),
        format!(
            "<pre>{}</pre>",
            each(&|_, text| format!("<span class=line>{text}</span><br>"))
        ),
        format!(
            "<pre>{}</pre>",
            each(&|n, text| format!(
                "<span class=line><span class=ln>{n}</span><span class=cl>{text}\n</span></span>"
            ))
        ),
        format!(
            "<pre>{}</pre>",
            each(&|n, text| format!("<span class=lineno>{n}</span>{text}\n"))
        ),
        format!(
            "<table class=highlight>{}</table>",
            each(&|n, text| format!(
                "<tr><td class=blob-num data-line-number={n}></td><td class=blob-code>{text}</td></tr>"
            ))
        ),
        format!(
            "<pre><code><table>{}</table></code></pre>",
            each(&|n, text| format!(
                "<tr><td class=hljs-ln-numbers>{n}</td><td class=hljs-ln-code>{text}</td></tr>"
            ))
        ),
    ];
    for form in forms {
        assert_eq!(codes(&form), [code.as_str()], "{form}");
    }
}

#[test]
fn spaces_that_keep_a_line_of_code_in_its_place_are_spaces_and_a_line_of_them_is_empty() {
    let line = |n: usize, text: &str| format!("<div class='line number{n} index{n}'>{text}</div>");
    let lines = [
        line(1, "<code class='js keyword'>function</code> <code class='js plain'>one() {</code>"),
        line(2, "&nbsp;"),
        line(3, "<code class='js spaces'>&nbsp;&nbsp;&nbsp;&nbsp;</code><code class='js plain'>two();</code>"),
        line(4, "<code class='js plain'>}</code>"),
    ]
    .concat();
    let numbers: String = (1..=4).map(|n| line(n, &n.to_string())).collect();
    let highlighter = format!(
        "<div class=syntaxhighlighter><table><tr><td class=gutter>{numbers}</td><td class=code><div class=container>{lines}</div></td></tr></table></div>"
    );
    let broken = "<pre>function one() {<br>&nbsp;<br>&nbsp;&nbsp;&nbsp;&nbsp;two();<br>}</pre>";
    for code in [highlighter.as_str(), broken] {
        assert_eq!(codes(code), ["function one() {\n\n    two();\n}"], "{code}");
    }
}

#[test]
fn what_a_highlighter_calls_the_words_of_code_takes_none_of_them_away() {
    let words = ["comment", "tag", "label", "meta", "menu", "share"]
        .map(|name| format!("<span class='token hljs-{name}'>{name}</span>"))
        .join("\n");
    assert_eq!(
        codes(&format!("<pre><code>{words}</code></pre>")),
        ["comment\ntag\nlabel\nmeta\nmenu\nshare"]
    );
    assert_eq!(
        codes("<pre>one<span style='display:none'>copied</span></pre>"),
        ["one"]
    );
}

#[test]
fn a_picture_or_table_within_a_line_of_code_parts_it() {
    let parts = middle(
        "<pre><div>before <img src=/a.png width=99> äöü</div><div>b<table><tr><td>c</table>é</div></pre>",
    );
    assert_eq!(parts.lines().next(), Some("Code: before"));
    assert!(
        parts.contains("/a.png") && parts.contains("äöü") && parts.contains('é'),
        "{parts}"
    );
}

#[test]
fn tables_of_data_with_numbers_are_no_code() {
    assert_eq!(
        middle("<table><tr><td>1<td>one<tr><td>2<td>two</table><pre>1\n2\n3</pre>"),
        "Row: 1 one\nRow: 2 two\nCode: 1\n2\n3"
    );
}
