//! The shots of a set that a request asks for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use flamingo_sequence::{Document, Part};
use flamingo_shots::{Making, VectorIndex, choose_random, encoder_probe, own_vector};

use crate::refusal::Refusal;
use crate::shots::{Choice, Chosen, Picked, Served};
use crate::state::State;
use crate::wanted::Wanted;

/// How long the engine may answer nobody for the sake of an index.
const BLOCKED: Duration = Duration::from_millis(100);
/// Pictures that go through the encoder at once, however fast it is.
const MOST_AT_ONCE: usize = 16;

/// The shots that a request asks for; `query` names its media by their place among `media`.
///
/// # Errors
/// If the nearest are wanted of a prompt without a picture, or one cannot be had.
pub(crate) async fn pick(
    state: &Arc<State>,
    choice: Option<Choice>,
    query: &Document,
    media: &[Wanted],
) -> Result<Picked, Refusal> {
    let Some(choice) = choice else {
        return Ok(Picked::default());
    };
    let set = &choice.served.set;
    let numbers: Vec<usize> = match choice.chosen {
        Chosen::All => (0..set.len()).collect(),
        Chosen::Random(seed) => choose_random(set.len(), choice.count, seed),
        Chosen::Nearest => {
            let index = index(state, &choice.served).await?;
            let vector = query_vector(state, query, media).await?;
            let count = choice.count;
            beside(state, &choice.served, move |state, _| {
                Ok(index.nearest(&vector, count, &state.device))
            })
            .await?
        }
    };
    Ok(Picked {
        documents: numbers.iter().map(|&i| set.document(i).clone()).collect(),
        numbers,
        _served: Some(choice.served),
    })
}

/// The vectors of a set, made when they are first wanted. Who wanted them may go: they are made to the end.
async fn index(state: &Arc<State>, served: &Arc<Served>) -> Result<Arc<VectorIndex>, Refusal> {
    if let Some(index) = served.vectors.get() {
        return Ok(Arc::clone(index));
    }
    let (state, served) = (Arc::clone(state), Arc::clone(served));
    let making = tokio::spawn(async move {
        let made = served.vectors.get_or_try_init(|| make(&state, &served));
        made.await.cloned()
    });
    let made = making.await;
    made.unwrap_or_else(|_| Err(Refusal::ours("the index of the shots was not made")))
}

/// Makes the vectors of a set in pieces, between which the engine answers others.
async fn make(state: &Arc<State>, served: &Arc<Served>) -> Result<Arc<VectorIndex>, Refusal> {
    let probe = state.queue.engine(|engine, _| encoder_probe(engine));
    let probe = probe.await.map_err(|refused| state.refuse(refused))?;
    let mut making = beside(state, served, move |state, served| {
        let folder = state.shots.folder.as_deref();
        Making::new(&served.set, &probe, &*state.getter.store, folder)
    })
    .await?;
    let mut most = 1;
    loop {
        if state.is_ending() {
            return Err(Refusal::ending());
        }
        let (back, pictures) = beside(state, served, move |state, served| {
            let (store, reader) = (&*state.getter.store, &state.shots.reader);
            let pictures = making.pictures(&served.set, store, reader, most)?;
            Ok((making, pictures))
        })
        .await?;
        making = back;
        if pictures.is_empty() {
            return beside(state, served, |_, _| making.finish().map(Arc::new)).await;
        }
        let encoded = state.queue.engine(move |engine, _| {
            let started = Instant::now();
            (engine.pooled(&pictures), started.elapsed())
        });
        let (vectors, took) = encoded.await.map_err(|refused| state.refuse(refused))?;
        making.take(&vectors);
        most = next_most(most, took);
    }
}

/// How many pictures go through the encoder at once, after some took so long.
fn next_most(most: usize, took: Duration) -> usize {
    match took {
        took if took < BLOCKED / 2 => (most * 2).min(MOST_AT_ONCE),
        took if took > BLOCKED => (most / 2).max(1),
        _ => most,
    }
}

/// Reads and writes files, on a thread for that.
async fn beside<T: Send + 'static>(
    state: &Arc<State>,
    served: &Arc<Served>,
    task: impl FnOnce(&State, &Served) -> flamingo_engine::Result<T> + Send + 'static,
) -> Result<T, Refusal> {
    let permit = Arc::clone(&state.getter.permits).acquire_owned().await;
    let permit = permit.map_err(|_| Refusal::ending())?;
    let (state, served) = (Arc::clone(state), Arc::clone(served));
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        task(&state, &served)
    });
    let done = done.await.map_err(|_| Refusal::ours("a decoder failed"))?;
    done.map_err(|error| Refusal::of_engine(&error, "shots"))
}

/// The vector of the last picture of a prompt.
async fn query_vector(
    state: &State,
    query: &Document,
    media: &[Wanted],
) -> Result<Vec<f32>, Refusal> {
    let last = query.parts.iter().rev().find_map(|part| match part {
        Part::Image(place) | Part::Video(place) => place.parse::<usize>().ok(),
        Part::Text(_) | Part::End | Part::Token(_) => None,
    });
    let Some(wanted) = last.and_then(|place| media.get(place)) else {
        let message = "the nearest shots are those whose picture is most like the prompt's, which has none: add one, \
                       or set `shots.choose` to \"random\" or \"all\"";
        return Err(Refusal::bad("shots.choose", message));
    };
    let place = wanted.place.clone();
    let held = state.getter.get(vec![wanted.clone()]).await?;
    let vector = state.queue.engine(move |engine, media| {
        let held = held;
        held.iter()
            .map(|held| own_vector(engine, media, &held.reference))
            .next()
    });
    let vector = vector.await.map_err(|refused| state.refuse(refused))?;
    let missing = || Refusal::ours("a picture was lost").of(&place);
    vector
        .ok_or_else(missing)?
        .map_err(|error| Refusal::of_engine(&error, &place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_encoder_gets_more_pictures_at_once_and_a_slow_one_fewer() {
        assert_eq!(next_most(1, Duration::from_millis(3)), 2);
        assert_eq!(next_most(16, Duration::ZERO), 16);
        assert_eq!(next_most(4, Duration::from_millis(70)), 4);
        assert_eq!(next_most(4, Duration::from_millis(700)), 2);
        assert_eq!(next_most(1, Duration::from_secs(7)), 1);
    }
}
