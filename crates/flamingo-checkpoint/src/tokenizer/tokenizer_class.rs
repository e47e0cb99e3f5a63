//! The tokenizer classes of `transformers` that matter here, and what each assumes.

/// A tokenizer class, slow and fast alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenizerClass {
    /// GPT-2, OPT, GPT-NeoX, MPT, CodeGen.
    Gpt2,
    /// RoBERTa, BART, Longformer, LED, MVP.
    Roberta,
    /// BLOOM.
    Bloom,
    /// LLaMA and those that use its tokenizer: Mistral, IDEFICS.
    Llama,
    /// T5, mT5, UMT5.
    T5,
    /// A sentencepiece model without any change, ended by `</s>`.
    Reformer,
    /// No assumptions: the files say everything.
    Fast,
    /// A class whose slow files are not read here.
    Other(String),
}

/// What a special token is for, in the order in which they are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Bos,
    Eos,
    Unk,
    Sep,
    Pad,
    Cls,
    Mask,
}

impl Role {
    pub(crate) const ALL: [Self; 7] = [
        Self::Bos,
        Self::Eos,
        Self::Unk,
        Self::Sep,
        Self::Pad,
        Self::Cls,
        Self::Mask,
    ];

    /// The key in the configuration files.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Bos => "bos_token",
            Self::Eos => "eos_token",
            Self::Unk => "unk_token",
            Self::Sep => "sep_token",
            Self::Pad => "pad_token",
            Self::Cls => "cls_token",
            Self::Mask => "mask_token",
        }
    }
}

impl TokenizerClass {
    /// By the value of `tokenizer_class`.
    pub(crate) fn from_name(name: &str) -> Self {
        match name.strip_suffix("Fast").unwrap_or(name) {
            "GPT2Tokenizer" | "GPTNeoXTokenizer" | "CodeGenTokenizer" => Self::Gpt2,
            "RobertaTokenizer"
            | "BartTokenizer"
            | "LongformerTokenizer"
            | "LEDTokenizer"
            | "MvpTokenizer" => Self::Roberta,
            "BloomTokenizer" => Self::Bloom,
            "LlamaTokenizer" | "CodeLlamaTokenizer" => Self::Llama,
            "T5Tokenizer" | "MT5Tokenizer" => Self::T5,
            "ReformerTokenizer" => Self::Reformer,
            "PreTrainedTokenizer" => Self::Fast,
            _ => Self::Other(name.to_string()),
        }
    }

    /// By the `model_type` of `config.json`.
    pub(crate) fn from_model_type(model_type: &str) -> Option<Self> {
        Some(match model_type {
            "gpt2" | "opt" | "gpt_neo" | "gptj" | "gpt_bigcode" | "gpt_neox" | "mpt"
            | "codegen" | "blip-2" | "instructblip" => Self::Gpt2,
            "roberta" | "bart" | "longformer" | "led" | "mvp" => Self::Roberta,
            "bloom" => Self::Bloom,
            "llama" | "mistral" | "idefics" | "persimmon" | "code_llama" => Self::Llama,
            "t5" | "mt5" | "umt5" | "longt5" => Self::T5,
            "reformer" => Self::Reformer,
            "falcon" => Self::Fast,
            _ => return None,
        })
    }

    /// The special tokens of a class when the files name none.
    pub(crate) fn special_tokens(&self) -> &'static [(Role, &'static str)] {
        use Role::{Bos, Cls, Eos, Mask, Pad, Sep, Unk};
        match self {
            Self::Gpt2 => &[
                (Bos, "<|endoftext|>"),
                (Eos, "<|endoftext|>"),
                (Unk, "<|endoftext|>"),
            ],
            Self::Roberta => &[
                (Bos, "<s>"),
                (Eos, "</s>"),
                (Unk, "<unk>"),
                (Sep, "</s>"),
                (Pad, "<pad>"),
                (Cls, "<s>"),
                (Mask, "<mask>"),
            ],
            Self::Bloom => &[(Bos, "<s>"), (Eos, "</s>"), (Unk, "<unk>"), (Pad, "<pad>")],
            Self::Llama => &[(Bos, "<s>"), (Eos, "</s>"), (Unk, "<unk>")],
            Self::T5 => &[(Eos, "</s>"), (Unk, "<unk>"), (Pad, "<pad>")],
            Self::Reformer => &[(Eos, "</s>"), (Unk, "<unk>")],
            Self::Fast | Self::Other(_) => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_and_fast_names_are_one_class() {
        for name in ["GPT2Tokenizer", "GPT2TokenizerFast", "GPTNeoXTokenizerFast"] {
            assert_eq!(TokenizerClass::from_name(name), TokenizerClass::Gpt2);
        }
        assert_eq!(
            TokenizerClass::from_name("PreTrainedTokenizerFast"),
            TokenizerClass::Fast
        );
        let other = TokenizerClass::from_name("CLIPTokenizer");
        assert_eq!(other, TokenizerClass::Other("CLIPTokenizer".to_string()));
        assert!(other.special_tokens().is_empty());
    }
}
