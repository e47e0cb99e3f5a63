#![allow(clippy::unwrap_used)]

use super::*;

fn page(texts: &[&str]) -> Page {
    let text = |text: &&str| {
        Part::Text(Text {
            text: (*text).to_owned(),
            kind: Default::default(),
        })
    };
    Page {
        parts: texts.iter().map(text).collect(),
        ..Page::default()
    }
}

#[test]
fn presets_parse_and_decide() {
    for preset in [Preset::Paper, Preset::Obelics, Preset::Mmc4, Preset::None] {
        let filters = Filters::new(FilterConfig::preset(preset), Path::new(".")).unwrap();
        let page = page(&["The cat and the dog have been to the house of the king."]);
        let measures = Measures::of(&page, filters.lexicon());
        let decision = decide(&page, &measures, &BTreeSet::new(), &filters);
        assert_eq!(decision.kept, preset == Preset::None, "{decision:?}");
    }
}
