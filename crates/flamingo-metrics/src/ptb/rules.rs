//! What is a token: patterns over the [classes](super::classes) of characters. The longest match counts; of
//! equally long ones, the first rule.

use super::classes as class;

/// Where a token ends within its match, which may go on into what has to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// With the match.
    There,
    /// So many characters before the match does.
    Before(usize),
    /// After so many characters.
    After(usize),
    /// Before the first space.
    AtSpace,
    /// After the first full stop.
    AfterStop,
    /// Before the clitic that begins with an apostrophe.
    AtApostrophe,
    /// Before the n't.
    AtNt,
    /// Before the first space, and the full stop that ends the token is read once more.
    StopAgain,
    /// The same; one letter leaves its full stop to the next token.
    Initials,
}

/// How a token is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writes {
    /// Not at all.
    Nothing,
    /// As the end of a line.
    Line,
    /// As it stands.
    Same,
    /// As this.
    As(&'static str),
    /// Without soft hyphens.
    WithoutSoftHyphens,
    /// With `&amp;` as `&`.
    Ampersand,
    /// With its spaces as non-breaking ones.
    OneWord,
    /// With brackets as words.
    Brackets,
    /// Both.
    Phone,
    /// As quotes, opening ones if straight.
    Opening,
    /// As quotes, closing ones if straight.
    Closing,
    /// As digits and a slash.
    Fraction,
    /// As one of three signs of currency.
    Currency,
    /// Three or four hyphens as two.
    Hyphens,
}

/// A rule.
pub(super) struct Rule {
    pub(super) pattern: String,
    pub(super) ends: Ends,
    pub(super) writes: Writes,
}

/// A pattern in lower case as one that takes either case, and the letters of other scripts that are one of
/// ours in another case. Only for text outside of brackets.
fn any_case(pattern: &str) -> String {
    let mut escaped = false;
    let mut out = String::new();
    for c in pattern.chars() {
        let variants = match c {
            _ if escaped || !c.is_ascii_lowercase() => String::new(),
            'i' => format!(r"\x{:02x}\x{:02x}", class::DOTTED_I, class::DOTLESS_I),
            'k' => format!(r"\x{:02x}", class::KELVIN),
            's' => format!(r"\x{:02x}", class::LONG_S),
            _ => String::new(),
        };
        match c.is_ascii_lowercase() && !escaped {
            true => out.push_str(&format!("[{c}{}{variants}]", c.to_ascii_uppercase())),
            false => out.push(c),
        }
        escaped = c == '\\' && !escaped;
    }
    out
}

/// Words that begin with a capital, the rest in either case.
fn capitalised(words: &str) -> String {
    let words = words.split_whitespace().map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_owned() + &any_case(rest)
    });
    words.collect::<Vec<_>>().join("|")
}

/// The parts that patterns are put together of.
struct Parts {
    /// Classes as the inside of brackets.
    space: String,
    letter: String,
    in_word: String,
    digit: String,
    /// Whole patterns.
    line: String,
    blank: String,
    apostrophe: String,
    any_apostrophe: String,
    hyphen: String,
    clitic: String,
    nt: String,
    word: String,
    markup: String,
    inner: String,
}

fn bytes(classes: &[u8]) -> String {
    classes
        .iter()
        .map(|class| format!(r"\x{class:02x}"))
        .collect()
}

impl Parts {
    fn new() -> Self {
        let space = format!(r" \t{}", bytes(&[class::NO_BREAK_SPACE, class::SPACE]));
        let letter = format!(
            "A-Za-z{}",
            bytes(&[
                class::UPPER,
                class::LETTER,
                class::KELVIN,
                class::LONG_S,
                class::DOTTED_I,
                class::DOTLESS_I
            ])
        );
        let digit = format!("0-9{}", bytes(&[class::DIGIT]));
        let entity = format!("&[aeiouAEIOU]({});", any_case("acute|grave|uml"));
        let in_word = format!(
            "([{letter}{}]|{entity})",
            bytes(&[class::IN_WORD, class::SOFT_HYPHEN])
        );
        let line = format!(
            r"(\r|\r?\n|[\x0b\x0c{}])",
            bytes(&[class::SEPARATOR, class::NEXT_LINE])
        );
        let apostrophe = format!(
            "(['{}]|{})",
            bytes(&[class::APOSTROPHE]),
            any_case("&apos;")
        );
        let any_apostrophe = format!("({apostrophe}|[`{}])", bytes(&[class::OPENING]));
        let name = "[A-Za-z][A-Za-z0-9_:.-]*";
        let value = r#"('[^']*'|"[^"]*")"#;
        Self {
            blank: format!("([{space}]|{line})"),
            clitic: format!("{apostrophe}([msdMSD]|{})", any_case("re|ve|ll")),
            nt: format!("{}{any_apostrophe}{}", any_case("n"), any_case("t")),
            word: format!("{in_word}({in_word}|[{digit}])*([.!?]{in_word}({in_word}|[{digit}])*)*"),
            markup: format!(
                r"<([!?][A-Za-z-][^>\r\n]*|{name}( +({name}|{name} *= *{value}))* */?|/{name}) *>"
            ),
            hyphen: format!("[-_{}]", bytes(&[class::HYPHEN])),
            inner: format!("[,;:{}]", bytes(&[class::COMMA])),
            space,
            letter,
            in_word,
            digit,
            line,
            apostrophe,
            any_apostrophe,
        }
    }
}

/// All rules, by precedence.
pub(super) fn rules() -> Vec<Rule> {
    let parts = Parts::new();
    let mut rules = Rules(Vec::new());
    rules.split_words();
    rules.markup(&parts);
    rules.words(&parts);
    rules.addresses(&parts);
    rules.numbers(&parts);
    rules.abbreviations(&parts);
    rules.quotes_and_faces();
    rules.marks(&parts);
    rules.hyphenated(&parts);
    rules.rest(&parts);
    rules.0
}

struct Rules(Vec<Rule>);

impl Rules {
    fn add(&mut self, pattern: impl Into<String>, ends: Ends, writes: Writes) {
        self.0.push(Rule {
            pattern: pattern.into(),
            ends,
            writes,
        });
    }

    /// Words that are two tokens.
    fn split_words(&mut self) {
        self.add(any_case(r"c\+\+"), Ends::There, Writes::Same);
        self.add(any_case("(c|f)#"), Ends::There, Writes::Same);
        self.add(any_case("cannot"), Ends::Before(3), Writes::Same);
        self.add(any_case("'twas"), Ends::Before(3), Writes::Same);
        self.add(any_case("'tis"), Ends::Before(2), Writes::Same);
        let assimilated = "gonna|gotta|lemme|gimme|wanna";
        self.add(any_case(assimilated), Ends::Before(2), Writes::Same);
    }

    fn markup(&mut self, parts: &Parts) {
        self.add(&*parts.markup, Ends::There, Writes::OneWord);
        let dash = format!(
            "{}|[{}]",
            any_case("&(md|mdash|ndash);"),
            bytes(&[class::DASH])
        );
        self.add(dash, Ends::There, Writes::As("--"));
        self.add(any_case("&amp;"), Ends::There, Writes::Ampersand);
        let marks = format!("{}|&#[0-9]+;", any_case("&(ht|tl|ur|lr|qc|ql|qr|odq|cdq);"));
        self.add(marks, Ends::There, Writes::Same);
    }

    fn words(&mut self, parts: &Parts) {
        let Parts {
            word,
            clitic,
            nt,
            letter,
            apostrophe,
            any_apostrophe,
            ..
        } = parts;
        let soft = bytes(&[class::SOFT_HYPHEN]);
        self.add(
            format!("{word}{clitic}"),
            Ends::AtApostrophe,
            Writes::WithoutSoftHyphens,
        );
        // What n't is taken from does not end in n.
        self.add(
            format!("[A-Za-z{soft}]*[A-MO-Za-mo-z][{soft}]*{nt}"),
            Ends::AtNt,
            Writes::WithoutSoftHyphens,
        );
        self.add(&**word, Ends::There, Writes::WithoutSoftHyphens);
        let with_apostrophe = [
            format!("{apostrophe}{}{apostrophe}?", any_case("n")),
            format!("[lLdDjJ]{apostrophe}"),
            format!("({}){apostrophe}", any_case("dunkin|somethin|ol")),
            format!("{apostrophe}({})", any_case("em|till?|cause")),
            format!("[A-HJ-XZn]{any_apostrophe}[{letter}]{{2}}[{letter}]*"),
            format!("{apostrophe}[2-9]0{}", any_case("s")),
            format!("[{letter}]+[aeiouyAEIOUY]{any_apostrophe}[aeiouA-Z][{letter}]*"),
            any_case(r"cont'd\.?|'twas|nor'easter|c'mon|e'er|s'mores|ev'ry|li'l|nat'l"),
            format!("{}{any_apostrophe}{}", any_case("o"), any_case("o")),
        ];
        self.add(with_apostrophe.join("|"), Ends::There, Writes::Same);
        self.add(
            format!("{}{apostrophe}[{letter}]", any_case("y")),
            Ends::Before(1),
            Writes::Same,
        );
    }

    fn addresses(&mut self, parts: &Parts) {
        let end = r#"[^ \t\n\f\r"<>|.!?(){},-]"#;
        self.add(
            format!(r#"{}://[^ \t\n\f\r"<>|(){{}}]+{end}"#, any_case("https?")),
            Ends::There,
            Writes::Same,
        );
        let known = format!(
            r#"{}\.([^ \t\n\f\r"<>|.!?(){{}},]+\.)+[a-zA-Z]{{2,4}}"#,
            any_case("www")
        );
        // From the comma to the underscore: no digits and no capitals, either.
        let likely = format!(
            r#"([^ \t\n\f\r"`'<>|.!?(){{}},-_$]+\.)+({})"#,
            any_case("com|net|org|edu")
        );
        self.add(
            format!(r#"({known}|{likely})(/[^ \t\n\f\r"<>|()]+{end})?"#),
            Ends::There,
            Writes::Same,
        );
        let fixed = bytes(&[class::NO_BREAK_SPACE]);
        let (open, close) = (any_case("&lt;"), any_case("&gt;"));
        let part = format!(r#"[^ \t\n\f\r"<>|(){{}}.{fixed}]+"#);
        self.add(
            format!(
                r#"({open}|<)?[a-zA-Z0-9][^ \t\n\f\r"<>|(){{}}{fixed}]*@({part}\.)*{part}({close}|>)?"#
            ),
            Ends::There,
            Writes::Same,
        );
        self.add(
            format!("@[a-zA-Z_][a-zA-Z_0-9]*|#{}+", parts.in_word),
            Ends::There,
            Writes::Same,
        );
        self.add(
            format!("{}[^A-Za-z]", parts.clitic),
            Ends::Before(1),
            Writes::Closing,
        );
        self.add(
            format!("{}[^A-Za-z]", parts.nt),
            Ends::Before(1),
            Writes::Closing,
        );
    }

    fn numbers(&mut self, parts: &Parts) {
        let digit = format!("[{}]", parts.digit);
        let fixed = bytes(&[class::NO_BREAK_SPACE]);
        self.add(
            format!("{digit}{{1,2}}[-/]{digit}{{1,2}}[-/]{digit}{{2,4}}"),
            Ends::There,
            Writes::Same,
        );
        let separator = bytes(&[class::SOFT_HYPHEN, class::DIGIT_SEPARATOR]);
        self.add(
            format!("[-+]?({digit}+|{digit}*([.:,{separator}]{digit}+)+)"),
            Ends::There,
            Writes::WithoutSoftHyphens,
        );
        self.add(
            format!(
                "[{}]?([{}]+|[{}]+)",
                bytes(&[class::RAISED_SIGN]),
                bytes(&[class::RAISED_DIGIT]),
                bytes(&[class::LOWERED_DIGIT])
            ),
            Ends::There,
            Writes::Same,
        );
        self.add(
            format!(
                r"({digit}{{1,4}}[- {fixed}])?{digit}{{1,4}}(\\?/|[{}]){digit}{{1,4}}",
                bytes(&[class::FRACTION_SLASH])
            ),
            Ends::There,
            Writes::OneWord,
        );
        let fraction = format!("[{}]", bytes(&[class::FRACTION]));
        self.add(fraction, Ends::There, Writes::Fraction);
        let as_in_the_treebank = [
            any_case(r"-(rrb|lrb|rcb|lcb|rsb|lsb)-|c\.d\.s|pro-|anti-"),
            any_case("s(&|&amp;)p-500|s(&|&amp;)ls"),
            format!("{}{}{}", any_case("cap"), parts.apostrophe, any_case("n")),
            format!("{}{}{}", any_case("c"), parts.apostrophe, any_case("est")),
        ];
        self.add(as_in_the_treebank.join("|"), Ends::There, Writes::Ampersand);
        let alternative = "[A-Za-z0-9]+(-[A-Za-z]+){0,2}";
        self.add(
            format!(r"{alternative}(\\?/{alternative}){{1,2}}"),
            Ends::There,
            Writes::Same,
        );
        self.add(r"[A-Z]*\$|#", Ends::There, Writes::Same);
        let currency = format!("[{}]", bytes(&[class::CURRENCY]));
        self.add(currency, Ends::There, Writes::Currency);
    }

    fn abbreviations(&mut self, parts: &Parts) {
        let Parts {
            space,
            blank,
            markup,
            digit,
            inner,
            word,
            ..
        } = parts;
        let initials = initials();
        self.add(
            format!(
                "({initials})\\.{blank}+({}|{}|{markup}){blank}",
                capitalised(BEGIN_A_SENTENCE),
                [("M", r"r\."), ("M", r"s\.")]
                    .map(|(first, rest)| first.to_owned() + &any_case(rest))
                    .join("|")
            ),
            Ends::Initials,
            Writes::Same,
        );
        self.add(
            format!(
                "({})\\.{blank}?[{}]",
                any_case("ca|figs?|prop|nos?|art|bldg|pp|op"),
                digit
            ),
            Ends::AfterStop,
            Writes::Same,
        );
        let company = format!("({}[eyEY]|{})", any_case("pt"), any_case("co"));
        self.add(
            format!(r"{company}\.[{space}]({})", any_case("ltd|lim")),
            Ends::Before(4),
            Writes::Same,
        );
        let before_lower = format!(r"({})\.", before_lower_case());
        let upper = format!(
            "[A-Z{}]",
            bytes(&[
                class::UPPER,
                class::KELVIN,
                class::DOTTED_I,
                class::ROMAN,
                class::CIRCLED
            ])
        );
        self.add(
            format!("{before_lower}{blank}({blank}|{upper}|{markup})"),
            Ends::StopAgain,
            Writes::Same,
        );
        self.add(
            format!(r"{before_lower}[\s\S][\s\S]"),
            Ends::Before(2),
            Writes::Same,
        );
        self.add(&*before_lower, Ends::StopAgain, Writes::Same);
        let before_upper = format!(
            r"({}|{}|{}[ft]{}|{initials})",
            any_case(BEFORE_UPPER_CASE),
            capitalised("Miss"),
            any_case("m"),
            any_case("g")
        );
        self.add(format!(r"{before_upper}\."), Ends::There, Writes::Same);
        self.add(
            format!("{before_upper}[{space}]"),
            Ends::Before(1),
            Writes::Same,
        );
        self.add(format!("({initials}){blank}"), Ends::AtSpace, Writes::Same);
        self.add(
            format!("{}[0-9][0-9]{blank}", parts.apostrophe),
            Ends::AtSpace,
            Writes::Same,
        );
        let in_name = format!("({}|[{digit}])+", parts.in_word);
        self.add(
            format!(
                r"{in_name}(\.{in_name})*\.({})({blank}|[.?!,])",
                any_case(FILES)
            ),
            Ends::Before(1),
            Writes::Same,
        );
        self.add(
            format!(r"{word}\.{inner}"),
            Ends::Before(1),
            Writes::WithoutSoftHyphens,
        );
    }

    fn quotes_and_faces(&mut self) {
        let fixed = bytes(&[class::NO_BREAK_SPACE]);
        let gap = format!("[- {fixed}]");
        self.add(
            format!(
                r"(\([0-9]{{2,3}}\)[ {fixed}]?|(\+\+?)?([0-9]{{2,4}}{gap})?[0-9]{{2,4}}{gap})[0-9]{{3,4}}{gap}?[0-9]{{3,5}}|((\+\+?)?[0-9]{{2,4}}\.)?[0-9]{{2,4}}\.[0-9]{{3,4}}\.[0-9]{{3,5}}"
            ),
            Ends::There,
            Writes::Phone,
        );
        let quote = any_case(r#"("|&quot;)"#);
        self.add(
            format!("{quote}[A-Za-z0-9$]"),
            Ends::Before(1),
            Writes::Opening,
        );
        self.add(quote, Ends::There, Writes::Closing);
        self.add(r"\x7f", Ends::There, Writes::Nothing);
        self.add(any_case("<|&lt;"), Ends::There, Writes::As("<"));
        self.add(any_case(">|&gt;"), Ends::There, Writes::As(">"));
        self.add(
            r"[<>]?[:;=][-o*']?[()DPdpO\\{@|\[\]][^A-Za-z0-9]",
            Ends::Before(1),
            Writes::Brackets,
        );
        // The first is a slip: a tilde that was meant as a sign takes all up to the next "<".
        self.add(
            r"[\^x=~<>]\.\[\^[xX]=[^<]*<>\]|[-^x=~<>']_[-^x=~<>']|\([-^x=~<>'][_.]?[-^x=~<>']\)|\([\^x=~<>']-[\^x=~<>'`]\)",
            Ends::There,
            Writes::Brackets,
        );
    }

    fn marks(&mut self, parts: &Parts) {
        for (bracket, written) in [
            (r"\{", "-LCB-"),
            (r"\}", "-RCB-"),
            (r"\[", "-LSB-"),
            (r"\]", "-RSB-"),
            (r"\(", "-LRB-"),
            (r"\)", "-RRB-"),
        ] {
            self.add(bracket, Ends::There, Writes::As(written));
        }
        self.add("-+", Ends::There, Writes::Hyphens);
        self.add(
            format!(
                r"\.{{3,5}}|(\.[ {}]){{2,4}}\.|[{}]",
                bytes(&[class::NO_BREAK_SPACE]),
                bytes(&[class::NEXT_LINE, class::ELLIPSIS])
            ),
            Ends::There,
            Writes::As("..."),
        );
        self.add("@+|#+|_+", Ends::There, Writes::Same);
        self.add(r"\*+|(\\\*){1,3}", Ends::There, Writes::Same);
        self.add(&*parts.inner, Ends::There, Writes::Same);
        self.add("[?!]+", Ends::There, Writes::Same);
        self.add(
            format!("[.=/{}]", bytes(&[class::STOP])),
            Ends::There,
            Writes::Same,
        );
    }

    fn hyphenated(&mut self, parts: &Parts) {
        let soft = bytes(&[class::SOFT_HYPHEN]);
        let dotted = format!("({})", dotted());
        let long = format!("[A-Za-z0-9][A-Za-z0-9.,{soft}]*(-([A-Za-z0-9{soft}]+|{dotted}\\.))+");
        let any = format!("[{}{}]", parts.letter, parts.digit);
        let elided = format!("([dDoOlL]{}{any})?{any}+", parts.any_apostrophe);
        let short = format!("{elided}({}{elided})*", parts.hyphen);
        let joined = format!("[A-Z]+(([+&]|{})[A-Z]+)+", any_case("&amp;"));
        for (pattern, writes) in [
            (long, Writes::WithoutSoftHyphens),
            (short, Writes::Same),
            (joined, Writes::Ampersand),
        ] {
            let before_mark = format!(r"({pattern})\.{}", parts.inner);
            self.add(before_mark, Ends::Before(1), writes);
            self.add(pattern, Ends::There, writes);
        }
    }

    fn rest(&mut self, parts: &Parts) {
        let Parts { clitic, nt, .. } = parts;
        let fixed = bytes(&[class::NO_BREAK_SPACE]);
        self.add(
            format!(r"'[A-Za-z][^ \t\n\r{fixed}]"),
            Ends::After(1),
            Writes::Opening,
        );
        self.add(&**clitic, Ends::There, Writes::Closing);
        self.add(&**nt, Ends::There, Writes::Closing);
        self.add(
            format!(
                "{}|''|[`{}]{{1,2}}",
                parts.apostrophe,
                bytes(&[class::APOSTROPHE, class::OPENING, class::QUOTE])
            ),
            Ends::There,
            Writes::Closing,
        );
        self.add("<<|>>", Ends::There, Writes::Same);
        self.add(
            format!(
                r"[+%&~^|\\{}]",
                bytes(&[
                    class::SYMBOL,
                    class::CIRCLED,
                    class::RAISED_SIGN,
                    class::RAISED_DIGIT,
                    class::FRACTION_SLASH
                ])
            ),
            Ends::There,
            Writes::Same,
        );
        self.add(
            format!(r"\x00|[{}]+|[{}]", parts.space, bytes(&[class::IGNORED])),
            Ends::There,
            Writes::Nothing,
        );
        self.add(&*parts.line, Ends::There, Writes::Line);
        self.add(any_case("&nbsp;"), Ends::There, Writes::Nothing);
        // Whatever is left is dropped.
        self.add(r"[\s\S]", Ends::There, Writes::Nothing);
    }
}

/// Letters with full stops between them, and a few compounds.
fn initials() -> String {
    format!(r"[A-Za-z](\.[A-Za-z])*|{}", compounds())
}

/// The same with one full stop or more.
fn dotted() -> String {
    format!(r"[A-Za-z](\.[A-Za-z])+|{}", compounds())
}

fn compounds() -> String {
    any_case(r"(canada|sino|korean|eu|japan|non)-u\.s|u\.s\.-(u\.k|u\.s\.s\.r)")
}

/// Abbreviations after which a capital begins a sentence.
fn before_lower_case() -> String {
    let months = "jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec";
    let days = "mon|tue|tues|wed|thu|thurs|fri";
    let states = "ala|ariz|calif|colo|conn|ct|dak|fla|ga|ind|kans?|ky|md|mich|minn|mo|mont|neb|nev|okla|penn|tenn|va|\
        vt|wisc?|wyo";
    let firms = "inc|cos?|corp|ltd|plc|rt|bancorp|bhd|assn|univ|intl|sys|tel|est|ext|sq";
    let titles = r"jr|sr|bros|(ed|ph)\.d|blvd|rd|esq|etc|al|seq|bldg";
    let either = [months, days, states, firms, titles]
        .map(any_case)
        .join("|");
    // Words in lower case are no states.
    let capital = capitalised("Az Ark Del Ill La Mass Miss Ore Pa Tex Wash");
    let proprietary = format!(
        "{}{}?{}[ye]{}?",
        any_case("p"),
        any_case("p"),
        any_case("t"),
        any_case("s")
    );
    format!("{either}|{capital}|{proprietary}")
}

/// Abbreviations that a capital follows.
const BEFORE_UPPER_CASE: &str = r"mr|mrs|ms|drs?|profs?|sens?|reps?|attys?|lt|col|gen|messrs|govs?|adm|rev|maj|sgt|cpl|pvt|capt|ste?|ave|pres|lieut|hon|brig|co?mdr|pfc|spc|supts?|det|mt|ft|adj|adv|asst|assoc|ens|insp|mlle|mme|msgr|sfc|vs|alex|wm|jos|cie|a\.k\.a|cf|treas|ph|invt|elec|natl|dept";

/// Words that, after initials, begin a sentence.
const BEGIN_A_SENTENCE: &str = "About According Additionally After An A As At But Earlier He Her Here However If In It \
    Last Many More Now Once One Other Our She Since So Some Such That The Their Then There These They This We When \
    While What Yet You";

/// Ends of file names.
const FILES: &str = "bat|bmp|c|class|cgi|cpp|dll|doc|docx|exe|gif|gz|h|htm|html|jar|java|jpeg|jpg|mov|mp3|pdf|php|pl|\
    png|ppt|ps|py|sql|tar|txt|wav|x|xml|zip";
