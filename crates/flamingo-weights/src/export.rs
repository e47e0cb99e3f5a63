//! Our models as OpenFlamingo's files, so that whoever came can leave.
//!
//! `checkpoint.pt` has exactly the names that OpenFlamingo's training leaves in it; `lm/` is a
//! Hugging Face directory and `clip/` an open_clip tower, both complete. The [`Link`]s that read a
//! checkpoint write one, in the other direction.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use flamingo_checkpoint::{Entry, write_torch};
use flamingo_kernels::{Activation, Precision};
use flamingo_model::vision::{VisionConfig, VitConfig, VitPool, VitTokens};
use flamingo_model::{FlamingoConfig, GatedConfig, PerceiverResamplerConfig};
use serde_json::{Value, json};

use crate::peers::{Family, Opened, flamingo_shapes, open_flamingo_links};
use crate::tensors::stored_type;
use crate::{Error, Layout, Link, ModelConfig, Result};

/// Writes `checkpoint.pt`, `lm/` and `clip/` into `directory`.
///
/// # Errors
/// If OpenFlamingo has no such model (the message says what differs), weights are missing, or a
/// file cannot be written.
pub fn export_open_flamingo(opened: &Opened, directory: &Path, precision: Precision) -> Result<()> {
    opened.report.check()?;
    let ModelConfig::Flamingo(config) = &opened.file.model else {
        return Err(Error::Kind {
            found: opened.file.model.kind(),
            wanted: "flamingo",
        });
    };
    let (vit, family, lm) = fitting(config)?;
    let export = Export {
        opened,
        precision,
        shapes: flamingo_shapes(&opened.file)?,
    };
    let (mut trained, mut language, mut tower) = (Vec::new(), Vec::new(), Vec::new());
    for link in open_flamingo_links(family, config) {
        let name = link.theirs[0].clone();
        if let Some(inner) = name.strip_prefix("lang_encoder.")
            && !name.contains(".gated_cross_attn_layer.")
        {
            let copy = Theirs::new(inner, &link);
            if name.contains("embed") || inner == family.embedding() || trained_head(family, inner)
            {
                trained.push(Theirs::new(&name, &link));
            }
            language.push(copy);
        } else if let Some(inner) = name.strip_prefix("vision_encoder.") {
            tower.push(Theirs::new(&format!("visual.{inner}"), &link));
        } else {
            trained.push(Theirs::new(&name, &link));
        }
    }
    if let (true, Some(head)) = (config.language.tied_head, family.head()) {
        let embedding = Link::new(["embed"], ["language.embed.weight"], Layout::Vocabulary);
        trained.push(Theirs::new(&format!("lang_encoder.{head}"), &embedding));
        language.push(Theirs::new(head, &embedding));
    }
    let (lm_folder, clip_folder) = (directory.join("lm"), directory.join("clip"));
    for folder in [&lm_folder, &clip_folder] {
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    export.write(&lm_folder.join("pytorch_model.bin"), &language)?;
    export.write_language_files(&lm_folder, lm)?;
    export.write(&clip_folder.join("open_clip_pytorch_model.bin"), &tower)?;
    write_json(&clip_folder.join("open_clip_config.json"), &tower_json(vit))?;
    export.write(&directory.join("checkpoint.pt"), &trained)
}

/// Whether OpenFlamingo trains the head along with the embedding: where it is one of the "embed"
/// names (`embed_out`), which the others' `lm_head` is not.
fn trained_head(family: Family, name: &str) -> bool {
    family.head() == Some(name) && name.contains("embed")
}

/// The parts of a model that OpenFlamingo can have.
fn fitting(config: &FlamingoConfig) -> Result<(&VitConfig, Family, Value)> {
    let differs = |what: String| Error::Mismatch(format!("OpenFlamingo has no such model: {what}"));
    let VisionConfig::Vit(vit) = &config.vision else {
        return Err(differs(
            "its image tower is a ViT, this one is an NFNet".into(),
        ));
    };
    let tower = VitConfig {
        class_token: true,
        pre_norm: true,
        tokens: VitTokens::BeforeNorm,
        class_token_in_features: vit.pool == VitPool::Mean,
        norm_epsilon: 1e-5,
        projection: Some(vit.projection.unwrap_or(1)),
        attention_bias: true,
        tiles: None,
        ..vit.clone()
    };
    if *vit != tower || !matches!(vit.activation, Activation::Gelu | Activation::QuickGelu) {
        return Err(differs(format!(
            "its image tower would be {tower:?}, this one is {vit:?}"
        )));
    }
    let Some(resampler) = &config.resampler else {
        return Err(differs("it always has a resampler".into()));
    };
    let theirs = PerceiverResamplerConfig {
        latents: resampler.latents,
        layers: resampler.layers,
        ffw_multiple: resampler.ffw_multiple,
        time_embeddings: resampler.time_embeddings,
        media_embeddings: resampler.media_embeddings,
        ..PerceiverResamplerConfig::open_flamingo(vit.width)
    };
    if *resampler != theirs {
        return Err(differs(format!(
            "its resampler would be {theirs:?}, this one is {resampler:?}"
        )));
    }
    let gated = GatedConfig {
        ffw_multiple: config.gated.ffw_multiple,
        ..GatedConfig::open_flamingo(config.gated.every)
    };
    if config.gated != gated || config.project_media {
        return Err(differs(format!(
            "its gated blocks would be {gated:?} without a map of the media, these are {:?}",
            config.gated
        )));
    }
    let Some((family, json)) = Family::with(&config.language) else {
        return Err(differs(format!(
            "its language model is an OPT, MPT, GPT-NeoX or LLaMA, this one is {:?}",
            config.language
        )));
    };
    Ok((vit, family, json))
}

/// One of their tensors, and the ours that it is made of.
struct Theirs {
    name: String,
    link: Link,
}

impl Theirs {
    fn new(name: &str, link: &Link) -> Self {
        Self {
            name: name.to_owned(),
            link: link.clone(),
        }
    }
}

struct Export<'a> {
    opened: &'a Opened,
    precision: Precision,
    shapes: BTreeMap<String, Vec<usize>>,
}

impl Export<'_> {
    fn shapes(&self, link: &Link) -> Vec<Vec<usize>> {
        link.ours
            .iter()
            .map(|name| self.shapes[name].clone())
            .collect()
    }

    fn write(&self, path: &Path, tensors: &[Theirs]) -> Result<()> {
        let entry = |tensor: &Theirs| {
            let shape = tensor.link.theirs_shape(&self.shapes(&tensor.link));
            let shape = shape.map_err(Error::Mismatch)?;
            Ok(Entry::new(&tensor.name, stored_type(self.precision), shape))
        };
        let entries = tensors.iter().map(entry).collect::<Result<Vec<_>>>()?;
        write_torch(path, &entries, &mut |index, out| {
            self.fill(&tensors[index].link, out)
        })?;
        Ok(())
    }

    /// Writes the numbers of one of theirs.
    fn fill(&self, link: &Link, out: &mut dyn Write) -> flamingo_checkpoint::Result<()> {
        if let [name] = &link.ours[..] {
            return self.opened.tensors.copy_as(name, self.precision, out);
        }
        if link.layout == Layout::Rows {
            return link
                .ours
                .iter()
                .try_for_each(|name| self.opened.tensors.copy_as(name, self.precision, out));
        }
        // Interleaved: all of it in memory, for it is one matrix.
        let mut ours = Vec::new();
        for (name, shape) in link.ours.iter().zip(self.shapes(link)) {
            let mut bytes = Vec::new();
            self.opened
                .tensors
                .copy_as(name, self.precision, &mut bytes)?;
            ours.push((shape, bytes));
        }
        let bytes = match self.precision {
            Precision::F32 => interleaved::<4>(link, &ours),
            Precision::F16 | Precision::Bf16 => interleaved::<2>(link, &ours),
        };
        Ok(out.write_all(&bytes.map_err(std::io::Error::other)?)?)
    }

    /// `config.json` and the tokenizer with the added tokens.
    fn write_language_files(&self, folder: &Path, mut config: Value) -> Result<()> {
        let (tokenizer, tokens) = (&self.opened.tokenizer, &self.opened.file.tokens);
        let specials = tokenizer.specials();
        config["torch_dtype"] = json!(match self.precision {
            Precision::F32 => "float32",
            Precision::F16 => "float16",
            Precision::Bf16 => "bfloat16",
        });
        config["bos_token_id"] = json!(specials.bos.or(specials.eos));
        config["eos_token_id"] = json!(specials.eos);
        write_json(&folder.join("config.json"), &config)?;
        let settings = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": tokens.bos.as_ref().or(tokens.eos.as_ref()),
            "eos_token": tokens.eos,
            "pad_token": tokens.pad,
            "additional_special_tokens": [tokens.end_of_chunk, tokens.image],
            "clean_up_tokenization_spaces": false,
        });
        write_json(&folder.join("tokenizer_config.json"), &settings)?;
        let json = with_old_merges(&tokenizer.to_json()?);
        Ok(flamingo_files::write(
            &folder.join("tokenizer.json"),
            json.as_bytes(),
        )?)
    }
}

/// A `tokenizer.json` with its merges as `"a b"`, which the tokenizers of OpenFlamingo's day read,
/// not as `["a", "b"]`; as it is, where a part of a merge holds a space.
fn with_old_merges(json: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(json) else {
        return json.to_owned();
    };
    let old = |merge: &Value| match merge.as_array().map(Vec::as_slice) {
        Some([Value::String(a), Value::String(b)]) if !(a.contains(' ') || b.contains(' ')) => {
            Some(json!(format!("{a} {b}")))
        }
        _ => None,
    };
    let merges = value
        .pointer_mut("/model/merges")
        .and_then(Value::as_array_mut);
    if let Some(merges) = merges
        && let Some(all) = merges.iter().map(old).collect::<Option<Vec<_>>>()
    {
        *merges = all;
    }
    value.to_string()
}

/// The bytes of one of theirs, from those of ours, of elements of `N` bytes.
fn interleaved<const N: usize>(
    link: &Link,
    ours: &[(Vec<usize>, Vec<u8>)],
) -> Result<Vec<u8>, String> {
    let ours: Vec<(Vec<usize>, Vec<u64>)> = ours
        .iter()
        .map(|(shape, bytes)| {
            let element = |chunk: &[u8; N]| {
                let mut wide = [0; 8];
                wide[..N].copy_from_slice(chunk);
                u64::from_le_bytes(wide)
            };
            (
                shape.clone(),
                bytes.as_chunks::<N>().0.iter().map(element).collect(),
            )
        })
        .collect();
    let (_, values) = link.theirs(&ours)?;
    Ok(values
        .into_iter()
        .flat_map(|value| value.to_le_bytes().into_iter().take(N))
        .collect())
}

fn write_json(path: &Path, value: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(value).expect("plain data") + "\n";
    Ok(flamingo_files::write(path, text.as_bytes())?)
}

fn tower_json(vit: &VitConfig) -> Value {
    let hidden = vit.ffw_width.unwrap_or(vit.ffw_multiple * vit.width);
    let mut vision = json!({
        "image_size": vit.image_size,
        "layers": vit.layers,
        "width": vit.width,
        "head_width": vit.width / vit.heads,
        "patch_size": vit.patch,
        "mlp_ratio": hidden as f64 / vit.width as f64,
    });
    if vit.pool == VitPool::Mean {
        vision["global_average_pool"] = json!(true);
    }
    if vit.layer_scale {
        vision["ls_init_value"] = json!(1.0);
    }
    json!({"model_cfg": {
        "embed_dim": vit.projection,
        "quick_gelu": vit.activation == Activation::QuickGelu,
        "vision_cfg": vision,
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1},
    }})
}
