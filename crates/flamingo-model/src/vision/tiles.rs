//! What a vision transformer has more that looks at several tiles of a picture at once
//! (Llama-3.2-Vision): embeddings of tiles behind gates, a second transformer over all tiles, and
//! features of some layers beside those of the last.
//!
//! It was trained on pictures that are filled up with empty tiles to the most that there can be, and
//! each tile with empty tokens to a multiple of eight. Tokens of the picture attend to all of these,
//! which attend to the picture alone; so the empty ones are computed along in the encoder, and what
//! becomes of them goes nowhere else. The features are those that enter the layers, not those that
//! leave them.

use flamingo_kernels::{Init, Module, Param, Tensor};
use serde::{Deserialize, Serialize};

use super::transformer::{Seeing, Transformer};

/// Most tiles that are believed; a damaged configuration is not to ask for more.
const MOST_TILES: usize = 64;

/// Tiles of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TilesConfig {
    /// Most tiles of a picture.
    pub most: usize,
    /// Layers of the second transformer.
    pub global_layers: usize,
    /// Layers of the first transformer whose input is among the features, in the order in which it
    /// stands there.
    pub intermediate: Vec<usize>,
    /// A tile's tokens are filled up to a multiple of this.
    #[serde(default = "multiple")]
    pub multiple: usize,
}

fn multiple() -> usize {
    8
}

/// How the tiles of a picture stand, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiling {
    /// Tiles on top of each other.
    pub rows: usize,
    /// Tiles side by side.
    pub columns: usize,
}

impl Tiling {
    /// A picture that is one tile.
    pub const ONE: Tiling = Tiling {
        rows: 1,
        columns: 1,
    };

    /// How many tiles there are.
    pub fn tiles(&self) -> usize {
        self.rows * self.columns
    }

    /// All tilings of at most `most` tiles, in the order of their rows and then of their columns.
    pub fn all(most: usize) -> impl Iterator<Item = Tiling> {
        (1..=most)
            .flat_map(move |rows| (1..=most / rows).map(move |columns| Tiling { rows, columns }))
    }

    /// The row of the tables of tiles that is of this tiling; the first one is of no picture.
    fn number(&self, most: usize) -> usize {
        let place = Tiling::all(most).position(|tiling| tiling == *self);
        1 + place.unwrap_or_else(|| panic!("{self:?} has more than {most} tiles"))
    }
}

impl TilesConfig {
    /// Rows of the tables of tiles: one for each tiling, behind one for no picture.
    fn tilings(&self) -> usize {
        1 + Tiling::all(self.most).count()
    }

    /// Tokens that a tile of `stream` tokens is filled up with.
    fn filling(&self, stream: usize) -> usize {
        stream.next_multiple_of(self.multiple) - stream
    }

    /// Tokens of a picture of one tile, and the pairs of them that see each other.
    pub(super) fn tokens_and_pairs(&self, stream: usize) -> (usize, usize) {
        let all = self.most * (stream + self.filling(stream));
        (all, stream * all + (all - stream) * stream)
    }

    /// Parameters but for the second transformer's; of a stream of `stream` tokens of width `d`.
    pub(super) fn parameters(&self, stream: usize, d: usize) -> usize {
        self.tilings() * self.most * (2 + stream) * d + 3
    }

    pub(super) fn check(&self, layers: usize) -> Result<(), String> {
        if !(1..=MOST_TILES).contains(&self.most) || self.multiple == 0 {
            return Err(format!(
                "vision.tiles has most {} and multiple {}: give 1 to {MOST_TILES} tiles and a multiple of at least 1",
                self.most, self.multiple
            ));
        }
        match self.intermediate.iter().find(|layer| **layer >= layers) {
            Some(layer) => Err(format!(
                "vision.tiles.intermediate has {layer}, vision.layers is {layers}: the last layer is {}",
                layers.saturating_sub(1)
            )),
            None => Ok(()),
        }
    }
}

/// What a tiled transformer has more.
#[derive(Module, Debug)]
pub struct Tiles {
    /// Added to patches of each tile, `[tilings, most * width]`.
    pub before: TileTable,
    /// Places in each tile, `[tilings, most * S * width]`; its gate lets them through in place of the
    /// places that all tiles have.
    pub places: TileTable,
    /// Added between the two transformers, `[tilings, most * width]`.
    pub between: TileTable,
    /// The second transformer.
    pub global: Transformer,
    #[module(skip)]
    config: TilesConfig,
}

/// A vector for each tile of each tiling, behind a gate.
#[derive(Module, Debug)]
pub struct TileTable {
    /// A row for each tiling.
    pub embedding: Param<Tensor<2>>,
    /// `[1]`.
    pub alpha: Param<Tensor<1>>,
}

impl TileTable {
    fn new(tilings: usize, width: usize, std: f64, init: &mut Init) -> Self {
        Self {
            embedding: init.normal([tilings, width], std),
            alpha: init.full([1], 0.0),
        }
    }

    /// How far the gate is open, `[1, 1, 1]`.
    fn gate(&self) -> Tensor<3> {
        self.alpha.val().tanh().reshape([1, 1, 1])
    }

    /// What is added to each tile, `[most, tokens, width]`.
    fn of(&self, number: usize, [most, width]: [usize; 2]) -> Tensor<3> {
        let row = self.embedding.val().narrow(0, number, 1);
        let tokens = row.dims()[1] / (most * width);
        row.reshape([most, tokens, width]) * self.gate()
    }
}

/// A stream of a picture's tokens: first those of its tiles, then all that fills them up.
pub(super) struct TileStream {
    /// `[1, L, width]`.
    pub(super) tokens: Tensor<3>,
    /// Tokens of the picture's tiles.
    pub(super) first: usize,
    tiles: usize,
    number: usize,
}

impl Tiles {
    /// `stream` tokens of width `d` a tile; `global` is the second transformer.
    pub(super) fn new(
        config: &TilesConfig,
        [stream, d]: [usize; 2],
        global: Transformer,
        init: &mut Init,
    ) -> Self {
        let (tilings, std) = (config.tilings(), (d as f64).powf(-0.5));
        let table = |tokens: usize, init: &mut Init| {
            TileTable::new(tilings, config.most * tokens * d, std, init)
        };
        Self {
            before: table(1, init),
            places: table(stream, init),
            between: table(1, init),
            global,
            config: config.clone(),
        }
    }

    /// Patches of all tiles with their tiles' embeddings; empty ones stand for tiles that are not there.
    ///
    /// # Shapes
    /// - `patches`: `[tiles, S, width]`
    /// - output: `[most, S, width]`
    pub(super) fn filled(&self, patches: Tensor<3>, tiling: Tiling) -> Tensor<3> {
        let ([tiles, s, d], most) = (patches.dims(), self.config.most);
        assert_eq!(
            tiles,
            tiling.tiles(),
            "tiles of a picture that is {tiling:?}"
        );
        let number = tiling.number(most);
        let all = match most - tiles {
            0 => patches,
            absent => {
                let empty = Tensor::zeros([absent, s, d], (&patches.device(), patches.dtype()));
                Tensor::cat(vec![patches, empty], 0)
            }
        };
        all + self.before.of(number, [most, d])
    }

    /// Tokens with their places.
    ///
    /// # Shapes
    /// - `x` and output: `[most, S, width]`
    /// - `places`: `[S, width]`, of all tiles
    pub(super) fn placed(&self, x: Tensor<3>, places: Tensor<2>, tiling: Tiling) -> Tensor<3> {
        let [most, _, d] = x.dims();
        let common = places.unsqueeze::<3>() * (-self.places.gate() + 1.0);
        x + common + self.places.of(tiling.number(most), [most, d])
    }

    /// The tokens of all tiles as one row, those of the picture first.
    ///
    /// # Shapes
    /// - `x`: `[most, S, width]`
    pub(super) fn row(&self, x: Tensor<3>, tiling: Tiling) -> TileStream {
        let ([most, s, d], tiles) = (x.dims(), tiling.tiles());
        let filling = most * self.config.filling(s);
        let mut tokens = x.reshape([1, most * s, d]);
        if filling > 0 {
            let empty = Tensor::zeros([1, filling, d], (&tokens.device(), tokens.dtype()));
            tokens = Tensor::cat(vec![tokens, empty], 1);
        }
        TileStream {
            tokens,
            first: tiles * s,
            tiles,
            number: tiling.number(most),
        }
    }

    /// The first transformer, and the input of those of its layers that are among the features, each
    /// `[tiles, S, width]`.
    pub(super) fn local(
        &self,
        transformer: &Transformer,
        mut stream: TileStream,
    ) -> (TileStream, Vec<Tensor<3>>) {
        let mut inputs = vec![None; transformer.resblocks.len()];
        for (layer, block) in transformer.resblocks.iter().enumerate() {
            if self.config.intermediate.contains(&layer) {
                inputs[layer] = Some(stream.picture());
            }
            stream.tokens = block.forward(stream.tokens, Seeing::First(stream.first));
        }
        let chosen = self.config.intermediate.iter();
        let inputs = chosen.filter_map(|&layer| inputs[layer].clone()).collect();
        (stream, inputs)
    }

    /// The second transformer, with the tiles' embeddings before it; the features of the picture and
    /// beside them, channel by channel, those of the layers.
    ///
    /// # Shapes
    /// - `layers`: each `[tiles, S, width]`
    /// - output: `[tiles, S, width * (1 + layers)]`
    pub(super) fn global(&self, mut stream: TileStream, layers: Vec<Tensor<3>>) -> Tensor<3> {
        let [_, all, d] = stream.tokens.dims();
        let (most, s) = (self.config.most, stream.first / stream.tiles);
        let tiles = self.between.of(stream.number, [most, d]); // [most, 1, d]
        let of_tokens = |count: usize| {
            let each = tiles.clone().expand([most, count, d]);
            each.reshape([1, most * count, d])
        };
        let mut added = vec![of_tokens(s)];
        if all > most * s {
            added.push(of_tokens(all / most - s));
        }
        stream.tokens = stream.tokens + Tensor::cat(added, 1);
        let seeing = Seeing::First(stream.first);
        stream.tokens = self.global.forward(stream.tokens, seeing);
        let features = stream.picture();
        if layers.is_empty() {
            return features;
        }
        let [tiles, s, d] = features.dims();
        let beside = d * layers.len();
        let layers = Tensor::stack::<4>(layers, 3).reshape([tiles, s, beside]);
        Tensor::cat(vec![features, layers], 2)
    }
}

impl TileStream {
    /// The tokens of the picture, `[tiles, S, width]`.
    fn picture(&self) -> Tensor<3> {
        let [_, _, d] = self.tokens.dims();
        let first = self.tokens.clone().narrow(1, 0, self.first);
        first.reshape([self.tiles, self.first / self.tiles, d])
    }
}

#[cfg(test)]
mod tests;
