//! The shots of a set that a request asks for.

use std::sync::Arc;

use flamingo_sequence::{Document, Part};
use flamingo_shots::{VectorIndex, choose_nearest, choose_random, own_vector};

use crate::refusal::Refusal;
use crate::shots::{Choice, Chosen, Picked, Served};
use crate::state::State;
use crate::wanted::Wanted;

/// The shots that a request asks for; `query` names its media by their place among `media`.
///
/// # Errors
/// If the nearest are wanted of a prompt without a picture, or one cannot be had.
pub(crate) async fn pick(
    state: &State,
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
            choose_nearest(&vector, &index, choice.count)
        }
    };
    Ok(Picked {
        documents: numbers.iter().map(|&i| set.document(i).clone()).collect(),
        numbers,
        _served: Some(choice.served),
    })
}

/// The vectors of a set, made when they are first wanted.
async fn index(state: &State, served: &Arc<Served>) -> Result<Arc<VectorIndex>, Refusal> {
    let (folder, reader) = (state.shots.folder.clone(), state.shots.reader.clone());
    let make = || async {
        let served = Arc::clone(served);
        let made = state.queue.engine(move |engine, media| {
            VectorIndex::of(&served.set, engine, media, folder.as_deref(), &reader)
        });
        let made = made.await.map_err(|refused| state.refuse(refused))?;
        made.map(Arc::new)
            .map_err(|error| Refusal::ours(error.to_string()))
    };
    served.vectors.get_or_try_init(make).await.cloned()
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
