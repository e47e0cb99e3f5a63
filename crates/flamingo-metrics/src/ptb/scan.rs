//! The tokens of a text: the longest match of any rule, again and again.

use std::sync::LazyLock;

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

use super::classes::{self, class};
use super::rules::{Ends, Rule, Writes, rules};

/// The rules, and the automaton that looks for all of them at once.
struct Automaton {
    rules: Vec<Rule>,
    dfa: DFA,
}

static AUTOMATON: LazyLock<Automaton> = LazyLock::new(|| {
    let rules = rules();
    let patterns: Vec<&str> = rules.iter().map(|rule| rule.pattern.as_str()).collect();
    let nfa = thompson::Compiler::new()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .configure(thompson::Config::new().utf8(false))
        .build_many(&patterns)
        .expect("the rules are patterns");
    let dfa = DFA::builder()
        .configure(
            DFA::config()
                .match_kind(MatchKind::All)
                .cache_capacity(1 << 24),
        )
        .build_from_nfa(nfa)
        .expect("the rules fit an automaton");
    Automaton { rules, dfa }
});

/// A token: where it stands, and how it is written.
pub(super) struct Token {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) writes: Writes,
}

/// Gives every token of a text in UTF-16 to `each`.
pub(super) fn scan(units: &[u16], mut each: impl FnMut(Token)) {
    let automaton = &*AUTOMATON;
    let classes: Vec<u8> = units.iter().map(|&unit| class(unit)).collect();
    let mut cache = automaton.dfa.create_cache();
    let mut start = 0;
    while start < classes.len() {
        let (rule, match_end) = longest(&automaton.dfa, &mut cache, &classes, start);
        let rule = &automaton.rules[rule];
        let (end, next) = ends(rule.ends, &classes, start, match_end);
        each(Token {
            start,
            end,
            writes: rule.writes,
        });
        start = next;
    }
}

/// The first of the rules that match most, and where its match ends. The last rule takes any character.
fn longest(dfa: &DFA, cache: &mut Cache, classes: &[u8], start: usize) -> (usize, usize) {
    const FITS: &str =
        "the automaton needs no search of its own, and keeps no more states than fit its cache";
    let input = Input::new(classes).range(start..).anchored(Anchored::Yes);
    let mut state = dfa.start_state_forward(cache, &input).expect(FITS);
    let mut best = (0, start + 1);
    // A match is known one step after its end.
    for at in start..=classes.len() {
        state = match classes.get(at) {
            Some(&byte) => dfa.next_state(cache, state, byte),
            None => dfa.next_eoi_state(cache, state),
        }
        .expect(FITS);
        if state.is_match() {
            let matching = (0..dfa.match_len(cache, state))
                .map(|index| dfa.match_pattern(cache, state, index).as_usize());
            best = (matching.min().unwrap_or(0), at);
        } else if state.is_dead() {
            break;
        }
    }
    best
}

/// Where a token ends, and where the next one begins.
fn ends(ends: Ends, classes: &[u8], start: usize, match_end: usize) -> (usize, usize) {
    let matched = &classes[start..match_end];
    let at = |is: &dyn Fn(u8) -> bool| {
        let place = matched.iter().position(|&class| is(class));
        place.map_or(match_end, |place| start + place)
    };
    let apostrophe = || {
        let entity = matched
            .windows(6)
            .position(|six| six.eq_ignore_ascii_case(b"&apos;"));
        let sign =
            at(&|class| [b'\'', b'`', classes::APOSTROPHE, classes::OPENING].contains(&class));
        entity.map_or(sign, |place| sign.min(start + place))
    };
    let is_blank = |class: u8| {
        let others = [
            classes::NO_BREAK_SPACE,
            classes::SPACE,
            classes::NEXT_LINE,
            classes::SEPARATOR,
        ];
        matches!(class, b'\t'..=b'\r' | b' ') || others.contains(&class)
    };
    let end = match ends {
        Ends::There => match_end,
        Ends::Before(count) => match_end - count,
        Ends::After(count) => start + count,
        Ends::AtSpace | Ends::StopAgain | Ends::Initials => at(&is_blank),
        Ends::AfterStop => at(&|class| class == b'.') + 1,
        Ends::AtApostrophe => apostrophe(),
        Ends::AtNt => apostrophe() - 1,
    };
    match ends {
        Ends::StopAgain => (end, end - 1),
        Ends::Initials if end - start == 2 => (end - 1, end - 1),
        Ends::Initials => (end, end - 1),
        _ => (end, end),
    }
}
