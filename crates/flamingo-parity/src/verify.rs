//! From a case to a report.

use std::path::Path;

use flamingo_image::CLIP_STD;
use flamingo_kernels::Precision;
use flamingo_sequence::Visibility;
use flamingo_weights::{Opened, Source, build, open};

use crate::fresh_rows::{fresh_head, set_head};
use crate::gradients::Training;
use crate::idefics::Idefics;
use crate::mllama::Mllama;
use crate::open_flamingo::OpenFlamingo;
use crate::options::VerifyOptions;
use crate::{
    Case, Computed, Error, Line, Report, Result, compare, compare_json, flamingo_pytorch, modules,
    pictures, tower,
};

/// Computes what a case expects and compares.
///
/// # Errors
/// If the case cannot be read or its model not be loaded.
pub fn verify(directory: &Path, options: &VerifyOptions) -> Result<(Report, Computed)> {
    let case = Case::open(directory)?;
    let (lines, computed) = if case.has("preprocess.safetensors") {
        of_pictures(&case)?
    } else if case.has("modules.safetensors") {
        of_modules(&case, options)?
    } else if case.has_input("pixels") {
        let computed = tower::compute(&case, &options.device)?;
        (expected_tensors(&case, &computed, options)?, computed)
    } else if case.has_input("text") {
        of_flamingo_pytorch(&case, options)?
    } else {
        of_model(&case, options)?
    };
    if lines.is_empty() {
        return Err(Error::case(
            directory,
            "it expects nothing: a case holds expected.safetensors or expected.json",
        ));
    }
    Ok((
        Report::new(directory.display().to_string(), lines),
        computed,
    ))
}

fn of_pictures(case: &Case) -> Result<(Vec<Line>, Computed)> {
    let (computed, file) = pictures::compute(case)?;
    let mut lines = compare::outputs(&file, &computed, |name, expected, ours| {
        compare::pixels(name, expected, ours, CLIP_STD)
    })?;
    lines.extend(compare_json::not_compared(case, false));
    Ok((lines, computed))
}

fn of_modules(case: &Case, options: &VerifyOptions) -> Result<(Vec<Line>, Computed)> {
    let (computed, file) = modules::compute(case, &options.device)?;
    let lines = compare::outputs(&file, &computed, |name, expected, ours| {
        compare::whole(name, expected, ours, options.tolerance)
    })?;
    Ok((lines, computed))
}

fn of_flamingo_pytorch(case: &Case, options: &VerifyOptions) -> Result<(Vec<Line>, Computed)> {
    let computed = flamingo_pytorch::compute(case, &options.device)?;
    let lines = expected_tensors(case, &computed, options)?;
    Ok((lines, computed))
}

fn expected_tensors(
    case: &Case,
    computed: &Computed,
    options: &VerifyOptions,
) -> Result<Vec<Line>> {
    match &case.expected {
        Some(file) => compare::tensors(case, file, "", &computed.tensors, options.tolerance),
        None => Ok(Vec::new()),
    }
}

fn of_model(case: &Case, options: &VerifyOptions) -> Result<(Vec<Line>, Computed)> {
    let source = Source::Directory(case.directory.clone());
    let opened = open(&source)?;
    let head = fresh_head(&opened, &options.device)?;
    let mut loaded = build(open(&source)?, &options.device, Precision::F32)?;
    if let Some(head) = head {
        set_head(&mut loaded.model, head);
    }
    if loaded.file.sees == Visibility::LastRow {
        let model = Mllama {
            model: &loaded.model,
            tokenizer: &loaded.tokenizer,
            preprocess: &loaded.preprocess,
            device: &options.device,
        };
        return model.verify(case, options);
    }
    let mut computed = match loaded.file.sees {
        Visibility::LastInText => Idefics {
            model: &loaded.model,
            tokenizer: &loaded.tokenizer,
            preprocess: &loaded.preprocess,
            device: &options.device,
        }
        .compute(case)?,
        _ => OpenFlamingo {
            model: &loaded.model,
            tokenizer: &loaded.tokenizer,
            device: &options.device,
        }
        .compute(case)?,
    };
    let mut lines = compare::inputs(case, &computed, loaded.preprocess.std)?;
    lines.extend(expected_tensors(case, &computed, options)?);
    lines.extend(compare_json::said(case, &computed));
    if options.gradients {
        lines.extend(gradients(case, &opened, options, &mut computed)?);
    }
    lines.extend(compare_json::not_compared(case, options.gradients));
    Ok((lines, computed))
}

fn gradients(
    case: &Case,
    opened: &Opened,
    options: &VerifyOptions,
    computed: &mut Computed,
) -> Result<Vec<Line>> {
    let Some(expected) = case.file("grads.safetensors")? else {
        return Err(Error::case(
            &case.directory,
            "it has no grads.safetensors: leave --gradients out, or give a case that was made with gradients",
        ));
    };
    let training = Training {
        case,
        opened,
        device: options.device.clone().autodiff(),
    };
    training.compute(computed)?;
    let tolerance = options.tolerance.max(compare::GRADIENT);
    let mut lines = compare::tensors(case, &expected, "grads/", &computed.gradients, tolerance)?;
    lines.extend(compare_json::steps(case, computed));
    if let Some(after) = case.file("after_train.safetensors")? {
        lines.extend(compare::tensors(
            case,
            &after,
            "after_train/",
            &computed.after_train,
            tolerance,
        )?);
    }
    Ok(lines)
}
