//! The loop: batches to gradients to updates, with figures, checkpoints and exact resumption.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use flamingo_data::{Report, fetch, is_remote};
use flamingo_files::write;
use flamingo_kernels::autocast;

use crate::checkpoint::{Checkpoints, restore};
use crate::contrastive::ContrastiveTask;
use crate::early_stopping::{self, Best};
use crate::flamingo::FlamingoTask;
use crate::language::Language;
use crate::metrics::{Means, Metrics};
use crate::observer::{Observer, StepEvent};
use crate::optimiser::AdamW;
use crate::options::{Options, Resume};
use crate::sums::{OfSource, sum_all};
use crate::task::{ADAPTER, MODEL, Part, Task};
use crate::together::{is_first, sum_of};
use crate::tree::{Flat, add_gradients, freeze_paths, trained_shapes};
use crate::written::WrittenFile;
use crate::{Error, Line, ModelSpec, Recipe, Result, Together, Updates, curves};

/// What became of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Updates made, those before a resumption included.
    pub steps: u64,
    /// The finished model, or the adapter of a fine-tuning, unless the run was stopped before its end.
    pub model: Option<PathBuf>,
    /// Of the looks at the held-out samples, the first, before any step, and the best.
    pub looks: Option<[Line; 2]>,
    /// What was found in each source, what was left out and why.
    pub data: BTreeMap<String, Report>,
    /// The run folder.
    pub folder: PathBuf,
    /// Mean losses of the last line of `metrics.jsonl`.
    pub losses: BTreeMap<String, f64>,
    /// Time since this call.
    pub elapsed: Duration,
}

/// Carries out a recipe.
///
/// # Errors
/// Whatever is wrong with the recipe, its data or the parts it starts from; [`Error::NotFinite`] if
/// the training diverges (the last checkpoint is kept); [`Error::Run`] if the run folder holds
/// another run.
pub fn train(recipe: &Recipe, options: &Options, observer: &mut dyn Observer) -> Result<Summary> {
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(recipe.threads)
        .build();
    let threads = threads.map_err(|error| {
        Error::contradiction(format!("threads = {}: {error}: give fewer", recipe.threads))
    })?;
    let (recipe, options) = (recipe.clone(), options.clone());
    threads.install(move || start(&recipe, &options, observer))
}

fn start(recipe: &Recipe, options: &Options, observer: &mut dyn Observer) -> Result<Summary> {
    recipe.check_there()?;
    let together = &*options.together;
    let takes_several = matches!(
        recipe.model,
        ModelSpec::Flamingo(_) | ModelSpec::Contrastive(_)
    );
    if together.world() > 1 && !takes_several {
        return Err(Error::contradiction(format!(
            "a {} training runs in one process: start it without a launcher",
            recipe.kind()
        )));
    }
    if together.world() > 1 && recipe.held_out.is_some() {
        return Err(Error::contradiction(
            "a training with `held_out` runs in one process: start it without a launcher, or leave it out",
        ));
    }
    if is_first(together) {
        claim_folder(recipe, options.resume)?;
    }
    together.barrier();
    let recipe = &with_downloads(recipe, options, observer)?;
    let device = recipe.recording(&options.device);
    match &recipe.model {
        ModelSpec::Contrastive(spec) => {
            let (task, model) =
                ContrastiveTask::prepare(recipe, &spec.config, &device, together, observer)?;
            Run::new(recipe, options, task)?.go(model, observer)
        }
        ModelSpec::Language(config) => {
            let (task, model) = Language::prepare(recipe, config, &device)?;
            Run::new(recipe, options, task)?.go(model, observer)
        }
        ModelSpec::Flamingo(spec) => {
            let (task, model) = FlamingoTask::prepare(recipe, spec, options, observer)?;
            Run::new(recipe, options, task)?.go(model, observer)
        }
        ModelSpec::FineTune(spec) => {
            let (task, model) = FlamingoTask::fine_tune(recipe, spec, options, observer)?;
            Run::new(recipe, options, task)?.go(model, observer)
        }
    }
}

/// The recipe with the files of sources elsewhere in place of their addresses. One process fetches them.
fn with_downloads(
    recipe: &Recipe,
    options: &Options,
    observer: &mut dyn Observer,
) -> Result<Recipe> {
    let mut recipe = recipe.clone();
    let Some(folder) = recipe.cache.downloads.clone() else {
        return Ok(recipe);
    };
    let mut fetch_all = |recipe: &mut Recipe| -> Result<()> {
        for data in recipe.data.iter_mut().filter(|data| is_remote(&data.path)) {
            let told = &mut |done, total| observer.stage("downloads", done, total);
            data.path = fetch(&data.path, &folder, &options.stores, told)?;
        }
        Ok(())
    };
    if is_first(&*options.together) {
        fetch_all(&mut recipe)?;
    }
    options.together.barrier();
    fetch_all(&mut recipe)?;
    Ok(recipe)
}

/// The first line in which two recipes differ. The number of threads changes nothing of what comes out.
fn difference<'a>(before: &'a str, now: &'a str) -> Option<(&'a str, &'a str)> {
    let counts = |line: &&str| !line.starts_with("threads = ");
    let (mut before, mut now) = (before.lines().filter(counts), now.lines().filter(counts));
    loop {
        match (before.next(), now.next()) {
            (None, None) => return None,
            (was, is) if was != is => {
                return Some((was.unwrap_or("nothing more"), is.unwrap_or("nothing more")));
            }
            _ => {}
        }
    }
}

/// The model that lies in a recipe's folder, if it is this recipe's.
#[must_use]
pub fn made_before(recipe: &Recipe) -> Option<PathBuf> {
    let before = fs::read_to_string(recipe.run.join("recipe.toml")).ok()?;
    let model = recipe.run.join(MODEL);
    (model.exists() && difference(&before, &recipe.to_toml()).is_none()).then_some(model)
}

/// Makes the run folder, or sees that it holds this very run.
fn claim_folder(recipe: &Recipe, resume: Resume) -> Result<()> {
    let folder = &recipe.run;
    let refuse = |problem: String| {
        Err(Error::Run {
            folder: folder.clone(),
            problem,
        })
    };
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let path = folder.join("recipe.toml");
    let resolved = recipe.to_toml();
    if ["checkpoints", MODEL, ADAPTER]
        .iter()
        .any(|part| folder.join(part).exists())
    {
        if resume == Resume::Fresh {
            return refuse("holds a run already: resume it, remove it, or change `run`".into());
        }
        let before = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        if let Some((was, is)) = difference(&before, &resolved) {
            return refuse(format!(
                "holds a run of another recipe (`{was}` there, `{is}` now): change `run`"
            ));
        }
    }
    flamingo_files::sweep(folder)?;
    Ok(write(&path, resolved.as_bytes())?)
}

/// A recipe being carried out.
struct Run<'a, T> {
    recipe: &'a Recipe,
    options: &'a Options,
    task: T,
    checkpoints: Checkpoints,
    best: Best,
}

/// What one step gave.
struct Made {
    losses: Vec<(String, f32)>,
    targets: usize,
    norm: f32,
}

impl<'a, T: Task> Run<'a, T> {
    fn new(recipe: &'a Recipe, options: &'a Options, task: T) -> Result<Self> {
        let checkpoints = Checkpoints::new(&recipe.run, recipe.checkpoint.keep);
        let run = Self {
            recipe,
            options,
            task,
            checkpoints,
            best: Best::new(&recipe.run),
        };
        run.report()?;
        Ok(run)
    }

    /// Writes what was found in the data: of a stream, in what the first process read so far.
    fn report(&self) -> Result<()> {
        if !is_first(self.together()) {
            return Ok(());
        }
        let json = serde_json::to_vec_pretty(&self.reports()).expect("reports can be written");
        Ok(write(&self.recipe.run.join("data.json"), &json)?)
    }

    fn reports(&self) -> BTreeMap<String, Report> {
        let reports = self.task.feeds().iter().map(|feed| feed.report());
        reports
            .map(|(name, report)| (name.to_owned(), report))
            .collect()
    }

    fn together(&self) -> &dyn Together {
        &*self.options.together
    }

    /// Whether any of the processes is to stop.
    fn is_stopped(&self) -> bool {
        sum_of(
            self.together(),
            usize::from(self.options.stop.load(Ordering::Relaxed)),
        ) > 0
    }

    fn go(&self, model: T::Model, observer: &mut dyn Observer) -> Result<Summary> {
        let (recipe, started) = (self.recipe, Instant::now());
        let writes = is_first(self.together());
        let paths: Vec<String> = trained_shapes(&model).into_keys().collect();
        let spec = self.task.optimiser(&recipe.optimiser);
        spec.check(&paths)?;
        let mut model = freeze_paths(model, &spec.frozen()?);
        let mut optimiser = AdamW::new(&spec, &model)?;
        if !writes {
            // The first process puts damaged checkpoints aside.
            self.together().barrier();
        }
        let (mut first, found) = (0, self.checkpoints.find()?);
        if writes {
            self.together().barrier();
        }
        if let Some(path) = found.newest {
            for (damaged, problem) in &found.damaged {
                observer.damaged(damaged, problem, &path);
            }
            (model, first) = restore(&path, model, &mut optimiser, &self.options.device)?;
        }
        let mut saved = first;
        let mut metrics = writes
            .then(|| Metrics::open(&recipe.run, first))
            .transpose()?;
        let written = writes && recipe.log.samples > 0;
        let written = written.then(|| WrittenFile::open(&recipe.run, first));
        let mut written = written.transpose()?;
        let (mut means, mut line_began) = (Means::default(), Instant::now());
        let steps = recipe.schedule.steps;
        let mut step = first;
        if let Some(metrics) = metrics
            .as_mut()
            .filter(|metrics| first == 0 && metrics.lines.is_empty())
        {
            self.look(Line::default(), &model, metrics, observer)?;
        }
        while step < steps && !self.has_ended(metrics.as_ref()) && !self.is_stopped() {
            let began = Instant::now();
            let made;
            (model, made) = self.step(model, &mut optimiser, step, &mut means)?;
            step += 1;
            let mut saves =
                recipe.checkpoint.every > 0 && step.is_multiple_of(recipe.checkpoint.every);
            let looks = recipe.held_out.is_some_and(|spec| spec.looks(step, steps));
            if step.is_multiple_of(recipe.log.every.max(1)) || step == steps || saves || looks {
                let seconds = line_began.elapsed().as_secs_f64();
                let mut line = std::mem::take(&mut means).line(step, seconds);
                line.rate = recipe.schedule.at(step - 1);
                line.gates = self.task.gates(&model);
                line.seconds = started.elapsed().as_secs_f64();
                match &mut metrics {
                    Some(metrics) if looks => {
                        saves |= self.look(line, &model, metrics, observer)?;
                    }
                    Some(metrics) => metrics.push(line)?,
                    None => {}
                }
                line_began = Instant::now();
            }
            if let Some(file) = &mut written
                && (step.is_multiple_of(recipe.log.samples) || step == steps)
            {
                file.add(self.task.written(&model, step)?)?;
            }
            if saves && step < steps {
                self.save_state(step, &model, &optimiser, metrics.as_ref(), observer)?;
                saved = step;
            }
            let left = started
                .elapsed()
                .div_f64((step - first) as f64)
                .mul_f64((steps - step) as f64);
            observer.step(&StepEvent {
                step,
                steps,
                losses: made.losses,
                rate: recipe.schedule.at(step - 1),
                norm: made.norm,
                targets_per_second: made.targets as f64 / began.elapsed().as_secs_f64().max(1e-9),
                left,
            });
        }
        if let Some(metrics) = metrics.as_mut().filter(|_| !means.is_empty()) {
            metrics.push(means.line(step, line_began.elapsed().as_secs_f64()))?;
        }
        if step > saved {
            self.save_state(step, &model, &optimiser, metrics.as_ref(), observer)?;
        }
        let finished = recipe.run.join(self.task.product());
        let is_over = step == steps || self.has_ended(metrics.as_ref());
        let lines = metrics.map_or_else(Vec::new, |metrics| metrics.lines);
        if is_over && writes {
            if let Some(best) = early_stopping::best(recipe, &lines) {
                model = self.best.read(best, model, &self.options.device)?;
            }
            self.task.save(&model, &finished)?;
        }
        Ok(Summary {
            steps: step,
            model: is_over.then_some(finished),
            looks: early_stopping::first_and_best(recipe, &lines),
            data: self.reports(),
            folder: recipe.run.clone(),
            losses: lines
                .last()
                .map(|line| line.losses.clone())
                .unwrap_or_default(),
            elapsed: started.elapsed(),
        })
    }

    fn save_state(
        &self,
        step: u64,
        model: &T::Model,
        optimiser: &AdamW,
        metrics: Option<&Metrics>,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        // The first process alone has figures, and writes.
        let Some(metrics) = metrics else {
            return Ok(());
        };
        let path = self.checkpoints.write(step, model, optimiser)?;
        if self.task.feeds().iter().any(|feed| feed.stream.is_some()) {
            self.report()?;
        }
        curves::draw(&self.recipe.run.join("curves.svg"), &metrics.lines)?;
        if let Some(best) = early_stopping::best(self.recipe, &metrics.lines) {
            self.best.thin_out(best)?;
        }
        observer.checkpoint(step, &path);
        Ok(())
    }

    /// Whether the training has learnt what it can, by its held-out samples.
    fn has_ended(&self, metrics: Option<&Metrics>) -> bool {
        metrics.is_some_and(|metrics| early_stopping::is_over(self.recipe, &metrics.lines))
    }

    /// Looks at the held-out samples, if there are any, and writes the line with what they gave. The weights are kept, and
    /// `true` is returned, if they were never better.
    fn look(
        &self,
        mut line: Line,
        model: &T::Model,
        metrics: &mut Metrics,
        observer: &mut dyn Observer,
    ) -> Result<bool> {
        let looks = autocast(self.recipe.precision, || self.task.look(model))?;
        if looks.is_empty() {
            return Ok(false);
        }
        for (source, look) in looks {
            if !look.loss.is_finite() {
                let what = format!("loss of what is held out of source {source:?}");
                return Err(self.not_finite(line.step, what, look.loss as f32));
            }
            line.held_out.insert(source.clone(), look.loss);
            line.exact.insert(source, look.exact);
        }
        let best = early_stopping::is_best(self.recipe, &metrics.lines, &line);
        if best {
            self.best.write(line.step, model)?;
        }
        observer.look(&line, best);
        metrics.push(line)?;
        Ok(best)
    }

    /// Which sources step `step` uses, and which batch of each.
    fn sources(&self, step: u64) -> Vec<(usize, u64)> {
        let feeds = self.task.feeds().iter().enumerate();
        let used: Vec<_> = feeds
            .filter_map(|(index, feed)| Some((index, feed.batch_of(step)?)))
            .collect();
        match self.recipe.updates {
            Updates::Accumulate => used,
            Updates::RoundRobin if used.is_empty() => used,
            Updates::RoundRobin => vec![used[(step % used.len() as u64) as usize]],
        }
    }

    /// One update from the weighted gradients of the step's sources.
    fn step(
        &self,
        model: T::Model,
        optimiser: &mut AdamW,
        step: u64,
        means: &mut Means,
    ) -> Result<(T::Model, Made)> {
        let sources = self.sources(step);
        if sources.is_empty() {
            return Err(Error::contradiction(format!(
                "no source is used in step {step}: see `from` and `until`"
            )));
        }
        let mut gradients = Flat::new();
        let mut of_sources = Vec::with_capacity(sources.len());
        for (index, number) in sources {
            let spec = &self.task.feeds()[index].spec;
            let mut of_source = OfSource::default();
            let mut take = |part: Part| {
                of_source.add(&part);
                let loss = part.loss * (spec.weight * part.share);
                add_gradients(&model, loss.backward(), &mut gradients);
                Ok(())
            };
            autocast(self.recipe.precision, || {
                self.task
                    .losses(&model, index, number, self.together(), &mut take)
            })?;
            of_sources.push((&spec.name, of_source));
        }
        let own = of_sources.iter_mut().map(|(_, of_source)| of_source);
        sum_all(self.together(), &model, &mut gradients, own);
        let mut made = Made {
            losses: Vec::new(),
            targets: 0,
            norm: 0.0,
        };
        for (name, of_source) in of_sources {
            let loss = of_source.loss;
            if !loss.is_finite() {
                return Err(self.not_finite(step, format!("loss of source {name:?}"), loss));
            }
            let targets = of_source.targets as usize;
            means.add(name, loss, of_source.accuracy(), targets);
            made.losses.push((name.clone(), loss));
            made.targets += targets;
        }
        self.task.mask(&mut gradients);
        made.norm = optimiser.norm(&gradients);
        if !made.norm.is_finite() {
            return Err(self.not_finite(step, "gradient norm".into(), made.norm));
        }
        means.add_norm(made.norm);
        let rate = self.recipe.schedule.at(step);
        let model = optimiser.step(model, gradients, made.norm, rate, step);
        Ok((model, made))
    }

    fn not_finite(&self, step: u64, what: String, value: f32) -> Error {
        let kept = match self.checkpoints.newest() {
            Ok(Some(path)) => format!("the last checkpoint is {}", path.display()),
            _ => "there is no checkpoint yet".to_owned(),
        };
        Error::NotFinite {
            step: step + 1,
            what,
            value,
            kept,
        }
    }
}
