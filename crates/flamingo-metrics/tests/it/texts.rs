use flamingo_metrics::{
    CaptionItem, Digits, LineEnds, Processor, PtbTokenizer, VqaAnswer, VqaItem, VqaRules, bleu,
    cider_d, ptb_tokens, rouge_l, vqa_score,
};
use proptest::prelude::*;

/// Any text, and texts of what tokenisers and normalisers look for.
fn text() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "U.S.",
        "an A.",
        "n't",
        "'s",
        "&amp;",
        "<b",
        ">",
        "(",
        ")",
        "5 1/2",
        "3,000",
        "\u{2028}",
        "\r",
        "\u{85}",
        "\u{ad}",
        "😀",
        "é",
        "ſ",
        "¢",
        "½",
        "...",
        ". .",
        "http://",
        "@",
        "#",
        " ",
        "\n",
        "\t",
        "The ",
        "no.",
        "9",
        "``",
        "\"",
        "--",
        "ten",
        "somebody'd",
    ];
    let of_pieces = prop::collection::vec(prop::sample::select(PIECES), 0..12);
    prop_oneof![
        any::<String>(),
        of_pieces.prop_map(|pieces| pieces.concat())
    ]
}

proptest! {
    #[test]
    fn no_text_stops_a_normaliser(text in text()) {
        for processor in [
            Processor::GtVision(Digits::Ascii),
            Processor::GtVision(Digits::Unicode),
            Processor::EvalAi,
        ] {
            let normalised = processor.normalise(&text);
            prop_assert!(!normalised.contains(['\n', '\t', '[', '"']));
            prop_assert!(!normalised.split(' ').any(|word| ["a", "an", "the"].contains(&word)));
        }
    }

    #[test]
    fn accuracies_are_between_nought_and_one_whatever_is_said(
        answers in prop::collection::vec(text(), 1..11), prediction in text(), ids: bool,
    ) {
        let answers = answers.into_iter().zip(1..).map(|(answer, id)| VqaAnswer {
            answer,
            answer_confidence: None,
            answer_id: ids.then_some(id),
        });
        let item = VqaItem { answers: answers.collect(), prediction, ..VqaItem::default() };
        for rules in [VqaRules::OFFICIAL, VqaRules::OPEN_FLAMINGO, VqaRules::EVALAI] {
            let score = vqa_score(std::slice::from_ref(&item), &rules).expect("one question");
            prop_assert!((0.0..=1.0).contains(&score.accuracies[0]));
        }
    }

    #[test]
    fn no_text_stops_the_tokeniser_and_lines_stay_lines(texts in prop::collection::vec(text(), 0..5)) {
        let told = PtbTokenizer::default().tokenize(&texts);
        let shifted = PtbTokenizer { line_ends: LineEnds::Shift }.tokenize(&texts);
        prop_assert!(shifted.captions.len() <= texts.len().max(1));
        prop_assert!(told.captions.iter().all(|caption| !caption.contains('\r')));
        prop_assert_eq!(told.captions.len(), texts.len());
    }

    #[test]
    fn captions_that_are_their_references_score_best(texts in prop::collection::vec(text(), 1..5)) {
        let items: Vec<CaptionItem> = texts.iter().map(|text| CaptionItem {
            references: vec![ptb_tokens(text)],
            caption: ptb_tokens(text),
        }).collect();
        let rouge = rouge_l(&items).expect("captions with references");
        prop_assert!(rouge.scores.iter().all(|score| (score - 1.0).abs() < 1e-9));
        let [one, ..] = bleu(&items).expect("captions with references");
        prop_assert!((0.0..1.0 + 1e-9).contains(&one.score));
        if let Ok(cider) = cider_d(&items) {
            prop_assert!(cider.scores.iter().all(|score| (-1e-9..10.0 + 1e-9).contains(score)));
        }
    }
}
