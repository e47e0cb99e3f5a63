//! The benchmarks' metrics, equal to the official code of each: what that code computes, its surprises
//! included, checked against cases that it computed.
//!
//! Every metric says whose code it agrees with. Where official versions disagree, the rule is an option with a
//! name, and its default is said.
//!
//! | metric | of | official code |
//! |---|---|---|
//! | [`vqa_score`] | VQAv2, OKVQA, TextVQA, VizWiz | GT-Vision-Lab/VQA, OpenFlamingo, lmms-eval |
//! | [`cider_d`], [`bleu`], [`rouge_l`] over [`PtbTokenizer`] | COCO, Flickr30K, VATEX, YouCook2 | pycocoevalcap |
//! | [`ndcg`], [`rank_score`] | VisDial | visdial-challenge-starter-pytorch |
//! | [`roc_auc`] | HatefulMemes | scikit-learn |
//! | [`rareact_mwap`] | RareAct | RareAct |
//! | [`ivqa`], [`exact_answers`] | iVQA, MSVDQA, MSRVTTQA | just-ask |
//! | [`nextqa_score`], [`wups()`] | NextQA | NExT-OE |
//! | [`top_k_accuracy`] | ImageNet, Kinetics700 | OpenFlamingo |
//! | [`retrieval`] | COCO, Flickr30K | just-ask |

mod bleu;
mod captions;
mod cider;
mod classification;
mod error;
mod ngrams;
mod ptb;
mod python;
mod ranked;
mod rareact;
mod retrieval;
mod rouge;
mod verify;
mod video_qa;
mod visdial;
mod vqa;
mod vqa_normalise;
mod wups;

pub use bleu::bleu;
pub use captions::{CaptionItem, CaptionScore};
pub use cider::cider_d;
pub use classification::{top_classes, top_k_accuracy};
pub use error::{MetricError, Result};
pub use ptb::{LineEnds, PtbTokenizer, Tokenised, tokens as ptb_tokens};
pub use python::{Digits, Halves, round2};
pub use ranked::{average_precision, binary_labels, roc_auc, weighted_average_precision};
pub use rareact::{Clip, WeightedAp, rareact_mwap};
pub use retrieval::{RetrievalScore, Ties, retrieval};
pub use rouge::rouge_l;
pub use verify::{Difference, FileReport, TOLERANCE, TOLERANCE_F32, VerifyResources, verify_file};
pub use video_qa::{AnswerReading, AnswerScore, exact_answers, ivqa};
pub use visdial::{RankScore, ndcg, rank_score, ranks};
pub use vqa::{Others, VqaAnswer, VqaItem, VqaRules, VqaScore, When, vqa_accuracy, vqa_score};
pub use vqa_normalise::Processor;
pub use wups::{
    Endings, Lemmatizer, MissingTypes, NextQaItem, NextQaScore, Nltk, PerceptronTagger, Pos,
    Similarity, Synset, WordNet, nextqa_score, without_stop_words, wups,
};
