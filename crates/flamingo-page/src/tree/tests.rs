//! Trees as browsers build them, each node as `name(what it holds)`.

use std::fmt::Write;

use crate::dom::{Dom, NodeId};
use crate::tag::Tag;

/// What the body holds.
fn body(source: &str) -> String {
    let dom = Dom::parse(source);
    let body = dom.find_first(Tag::Body);
    body.map_or_else(|| "no body".to_owned(), |body| children(&dom, body))
}

/// What the document holds.
fn document(source: &str) -> String {
    children(&Dom::parse(source), NodeId::ROOT)
}

fn children(dom: &Dom<'_>, node: NodeId) -> String {
    let all: Vec<_> = dom.children(node).map(|node| show(dom, node)).collect();
    all.join(" ")
}

fn show(dom: &Dom<'_>, node: NodeId) -> String {
    let mut out = String::new();
    match dom.tag(node) {
        Tag::Text => return format!("{:?}", dom.text(node)),
        Tag::Other => write!(out, "{}", dom.name(node)),
        tag => write!(out, "{}", tag.name()),
    }
    .expect("a string takes all");
    if dom.first_child(node).is_some() {
        write!(out, "({})", children(dom, node)).expect("a string takes all");
    }
    out
}

#[test]
fn html_head_and_body_are_implied() {
    assert_eq!(document("x"), r#"html(body("x"))"#);
    assert_eq!(document(""), "html");
    assert_eq!(
        document("<title>t</title><p>x"),
        r#"html(head(title("t")) body(p("x")))"#
    );
    assert_eq!(
        document("<!doctype html>\n<HTML>\n<Head><meta charset=x></HEAD>\n<BODY>x</body></html> y"),
        r#"html(head(meta) body("x" " y"))"#
    );
}

#[test]
fn an_unclosed_head_ends_where_content_begins() {
    assert_eq!(
        document("<head><title>t</title>x"),
        r#"html(head(title("t")) body("x"))"#
    );
    assert_eq!(
        document("<head><link><div>x"),
        r#"html(head(link) body(div("x")))"#
    );
}

#[test]
fn html_and_body_that_come_late_give_their_attributes() {
    let dom = Dom::parse("x<body class=b><html lang=en><html lang=de><body class=c>");
    let attr = |tag, name| dom.attr(dom.find_first(tag).expect("implied"), name);
    assert_eq!(attr(Tag::Html, "lang").as_deref(), Some("en"));
    assert_eq!(attr(Tag::Body, "class").as_deref(), Some("b"));
}

#[test]
fn pictures_in_noscript_are_markup() {
    assert_eq!(
        body("<div><noscript><img src=a></noscript>x"),
        r#"div(noscript(img) "x")"#
    );
    assert_eq!(
        document("<head><noscript><img></noscript><title>t</title></head><p>x"),
        r#"html(head(noscript(img) title("t")) body(p("x")))"#
    );
}

#[test]
fn a_block_ends_an_open_paragraph() {
    assert_eq!(
        body("<p>a<p>b<div>c</div>d"),
        r#"p("a") p("b") div("c") "d""#
    );
    assert_eq!(body("<p>a<b>b<ul><li>c"), r#"p("a" b("b")) ul(li("c"))"#);
    assert_eq!(
        body("<p>a<button><p>b</button>c"),
        r#"p("a" button(p("b")) "c")"#
    );
}

#[test]
fn a_paragraph_that_ends_without_a_beginning_is_empty() {
    assert_eq!(body("<div>a</p>b</div>"), r#"div("a" p "b")"#);
    assert_eq!(body("a</br>b"), r#""a" br "b""#);
}

#[test]
fn items_end_the_items_before_but_not_those_around_their_list() {
    assert_eq!(
        body("<ul><li>a<li>b<ul><li>c</ul>d<li>e"),
        r#"ul(li("a") li("b" ul(li("c")) "d") li("e"))"#
    );
    assert_eq!(body("<li>a<div>b<li>c"), r#"li("a" div("b")) li("c")"#);
    assert_eq!(
        body("<dl><dt>a<dd>b<dt>c"),
        r#"dl(dt("a") dd("b") dt("c"))"#
    );
    assert_eq!(body("<ul><li><ul></li>x"), r#"ul(li(ul("x")))"#);
}

#[test]
fn rows_and_cells_need_no_end_tags() {
    assert_eq!(
        body("<table><thead><tr><th>a<tbody><tr><td>b<td>c<tr><td><p>d</table>e"),
        r#"table(thead(tr(th("a"))) tbody(tr(td("b") td("c")) tr(td(p("d"))))) "e""#
    );
    assert_eq!(body("<table><td>a<td>b"), r#"table(tr(td("a") td("b")))"#);
    assert_eq!(
        body("<table><caption>a<colgroup><col><tr><td>b"),
        r#"table(caption("a") colgroup(col) tr(td("b")))"#
    );
}

#[test]
fn a_table_in_a_cell_keeps_its_rows_to_itself() {
    assert_eq!(
        body("<table><tr><td><table><tr><td>a<tr><td>b</table>c<td>d"),
        r#"table(tr(td(table(tr(td("a")) tr(td("b"))) "c") td("d")))"#
    );
    assert_eq!(
        body("<table><tr><td><div></td></table>x"),
        r#"table(tr(td(div))) "x""#
    );
}

#[test]
fn parts_of_a_table_without_a_table_are_nothing() {
    assert_eq!(body("<div>a<tr><td>b</td></tr>c"), r#"div("a" "b" "c")"#);
    assert_eq!(
        document("<template><tr><td>a</template>b"),
        r#"html(head(template(tr(td("a")))) body("b"))"#
    );
    assert_eq!(
        body("x<template><tr><td>a</template>b"),
        r#""x" template(tr(td("a"))) "b""#
    );
}

#[test]
fn an_end_tag_in_a_cell_does_not_reach_out_of_it() {
    assert_eq!(
        body("<div><table><td>a</div>b"),
        r#"div(table(tr(td("a" "b"))))"#
    );
    assert_eq!(body("<p><object></p>a"), r#"p(object(p "a"))"#);
}

#[test]
fn a_stray_end_tag_closes_nothing() {
    assert_eq!(
        body("<div>a</b>b</span>c</section>d</h1>e</div>"),
        r#"div("a" "b" "c" "d" "e")"#
    );
    assert_eq!(
        body("<div><span>a<p>b</span>c</div>"),
        r#"div(span("a" p("b" "c")))"#
    );
}

#[test]
fn an_inline_element_closed_inside_a_block_ends_with_the_block() {
    assert_eq!(body("<a><div>b</a>c</div>d"), r#"a(div("b" "c")) "d""#);
    assert_eq!(body("<a>b<a>c"), r#"a("b") a("c")"#);
    assert_eq!(body("<a><div>b<a>c</div>d"), r#"a(div("b" a("c"))) "d""#);
}

#[test]
fn headings_end_one_another() {
    assert_eq!(body("<h1>a</h2>b"), r#"h1("a") "b""#);
    assert_eq!(body("<h1>a<h2>b"), r#"h1("a") h2("b")"#);
    assert_eq!(body("<h1>a<p>b</h1>c"), r#"h1("a" p("b")) "c""#);
}

#[test]
fn a_form_in_a_form_is_nothing_and_its_end_leaves_blocks_open() {
    assert_eq!(body("<form>a<form>b</form>c"), r#"form("a" "b") "c""#);
    assert_eq!(
        body("<form><div>a</form>b</div>c"),
        r#"form(div("a" "b")) "c""#
    );
    assert_eq!(
        body("<table><form><tr><td>a</form></table>b"),
        r#"table(form tr(td("a"))) "b""#
    );
}

#[test]
fn options_buttons_and_ruby_end_those_before() {
    assert_eq!(
        body("<select><option>a<option>b<optgroup><option>c</select>d"),
        r#"select(option("a") option("b") optgroup(option("c"))) "d""#
    );
    assert_eq!(body("<button>a<button>b"), r#"button("a") button("b")"#);
    assert_eq!(
        body("<ruby>a<rp>(<rt>b<rp>)</ruby>c"),
        r#"ruby("a" rp("(") rt("b") rp(")")) "c""#
    );
}

#[test]
fn void_elements_hold_nothing_however_they_are_written() {
    assert_eq!(
        body("<br>a<br/>b<img src=x/>c<hr></hr>d"),
        r#"br "a" br "b" img "c" hr "d""#
    );
    assert_eq!(body("<div/>a<image src=x>"), r#"div("a" img)"#);
}

#[test]
fn scripts_and_styles_are_text_up_to_their_end_tag() {
    assert_eq!(
        body("x<script>if (a</b && '</scripts>') &amp;</SCRIPT >y"),
        r#""x" script("if (a</b && '</scripts>') &amp;") "y""#
    );
    assert_eq!(
        body("x<style><p></style>y<script>z"),
        r#""x" style("<p>") "y" script("z")"#
    );
    assert_eq!(
        body("x<iframe><p></iframe><xmp><b></xmp>"),
        r#""x" iframe("<p>") xmp("<b>")"#
    );
}

#[test]
fn a_script_inside_a_comment_of_a_script_does_not_end_it() {
    assert_eq!(
        body("x<script><!-- <script> </script> --></script>y"),
        r#""x" script("<!-- <script> </script> -->") "y""#
    );
    assert_eq!(
        body("x<script><!-- a </script>y"),
        r#""x" script("<!-- a ") "y""#
    );
    assert_eq!(
        body("x<script><!--> <script> </script>y"),
        r#""x" script("<!--> <script> ") "y""#
    );
    assert_eq!(
        body("x<script><!-- <scripts> </script>y"),
        r#""x" script("<!-- <scripts> ") "y""#
    );
}

#[test]
fn titles_and_text_fields_decode_references_but_hold_no_markup() {
    assert_eq!(
        body("x<textarea>\n<p>&lt;</textarea>y"),
        r#""x" textarea("<p><") "y""#
    );
    assert_eq!(
        document("<title>a & b <i>&copy;</title>"),
        r#"html(head(title("a & b <i>©")))"#
    );
}

#[test]
fn plaintext_never_ends() {
    assert_eq!(
        body("a<plaintext>b<p>c</plaintext>"),
        r#""a" plaintext("b<p>c</plaintext>")"#
    );
}

#[test]
fn the_first_line_end_in_pre_is_dropped() {
    assert_eq!(
        body("<pre>\n\na</pre><pre>\r\nb</pre>"),
        r#"pre("\na") pre("b")"#
    );
}

#[test]
fn comments_and_declarations_are_nothing() {
    assert_eq!(
        body("a<!-- <p> -- > -->b<!-->c<!--->d<!--x--!>e<!x>f<?y?>g</>h</ i>j"),
        r#""a" "b" "c" "d" "e" "f" "g" "h" "j""#
    );
    assert_eq!(
        body("a<!--!>b-->c<!---!>d-->e<!----!>f"),
        r#""a" "c" "e" "f""#
    );
    assert_eq!(body("a<!-- never ends <p>b"), r#""a""#);
}

#[test]
fn a_less_than_sign_before_no_name_is_text() {
    assert_eq!(body("a < b <3 <"), r#""a < b <3 <""#);
    assert_eq!(body("<p>a<<b>c"), r#"p("a<" b("c"))"#);
    assert_eq!(body("a</"), r#""a</""#);
}

#[test]
fn a_tag_that_does_not_end_is_nothing() {
    assert_eq!(body("a<p class='b"), r#""a""#);
    assert_eq!(body("a<b"), r#""a""#);
}

#[test]
fn elements_of_a_drawing_are_none_of_html() {
    let source = "a<svg><title>t</title><a><path d=x /><style>b</style></a></svg><title>c</title>";
    let dom = Dom::parse(source);
    assert_eq!(
        body(source),
        r#""a" svg(title("t") a(path style("b"))) title("c")"#
    );
    let title = dom.find_first(Tag::Title).expect("the page's");
    assert_eq!(dom.text(dom.first_child(title).expect("its text")), "c");
    assert_eq!(dom.find_first(Tag::A), None);
}

#[test]
fn an_element_of_html_ends_a_drawing_unless_that_can_hold_it() {
    assert_eq!(body("<svg><g><p>a"), r#"svg(g) p("a")"#);
    assert_eq!(
        body("<svg><foreignObject><p>a<p>b</p></foreignObject><g/></svg>c"),
        r#"svg(foreignObject(p("a") p("b")) g) "c""#
    );
    assert_eq!(
        body("<math><mi>x</mi><mo a=b/>y</math>z"),
        r#"math(mi("x") mo("y")) "z""#
    );
    assert_eq!(
        body("<svg/>a<svg><![CDATA[<p>&amp;]]></svg>"),
        r#"svg "a" svg("<p>&amp;")"#
    );
}

#[test]
fn white_space_between_the_parts_of_lists_and_tables_is_dropped() {
    assert_eq!(
        body("<ul> <li> a </li> </ul> <b> </b>"),
        r#"ul(li(" a ")) " " b(" ")"#
    );
}

#[test]
fn attributes_are_read_however_they_are_written() {
    let source = "<p A=1 b='2 >' c=\"3\n\" d=a/b e f = g  A=9 data-é=é h=\"&lt;&copy=\"/>";
    let dom = Dom::parse(source);
    let p = dom.find_first(Tag::P).expect("there");
    let all: Vec<_> = dom
        .attributes(p)
        .map(|attribute| format!("{}={}", attribute.name, attribute.value()))
        .collect();
    assert_eq!(
        all,
        [
            "A=1",
            "b=2 >",
            "c=3\n",
            "d=a/b",
            "e=",
            "f=g",
            "A=9",
            "data-é=é",
            "h=<&copy="
        ]
    );
    assert_eq!(dom.attr(p, "a").as_deref(), Some("1"));
    assert_eq!(dom.attr(p, "z"), None);
    assert_eq!(
        dom.attrs(p, ["f", "z", "a"])
            .map(|value| value.map(|value| value.into_owned())),
        [Some("g".into()), None, Some("1".into())]
    );
}
