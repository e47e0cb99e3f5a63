use flamingo_kernels::{Device, Init, Module, Param, Tensor};

use super::super::testing::{distance, pixels};
use super::super::{Vit, VitConfig};
use super::*;

fn config() -> VitConfig {
    VitConfig {
        image_size: 21,
        patch: 7,
        width: 10,
        layers: 4,
        heads: 5,
        ffw_multiple: 3,
        projection: None,
        class_token_in_features: true,
        attention_bias: false,
        tiles: Some(TilesConfig {
            most: 4,
            global_layers: 2,
            intermediate: vec![2, 1],
            multiple: 8,
        }),
        ..VitConfig::vit_l_14()
    }
}

/// With gates that are open.
fn encoder() -> Vit {
    let config = config();
    config.check().expect("a model");
    let mut init = Init::new(1, &Device::flex());
    let mut vit = Vit::new(&config, &mut init);
    assert_eq!(config.parameters(), vit.num_params() as u64);
    let tiles = vit.tiles.as_mut().expect("tiles");
    for (i, table) in [&mut tiles.before, &mut tiles.places, &mut tiles.between]
        .into_iter()
        .enumerate()
    {
        table.alpha = init.full([1], 0.4 + 0.2 * i as f32);
    }
    for block in &mut tiles.global.resblocks {
        block.alpha_attn = Some(init.full([1], 0.6));
        block.alpha_mlp = Some(init.full([1], -0.5));
    }
    vit
}

const WIDE: Tiling = Tiling {
    rows: 1,
    columns: 3,
};

#[test]
fn tilings_are_numbered_by_rows_and_then_columns() {
    let all: Vec<[usize; 2]> = Tiling::all(4).map(|t| [t.rows, t.columns]).collect();
    let expected = [
        [1, 1],
        [1, 2],
        [1, 3],
        [1, 4],
        [2, 1],
        [2, 2],
        [3, 1],
        [4, 1],
    ];
    assert_eq!(all, expected);
    assert_eq!(WIDE.number(4), 3);
    assert_eq!(WIDE.number(3), 3);
}

#[test]
fn features_of_layers_stand_beside_the_last_ones_channel_by_channel() {
    let vit = encoder();
    let features = vit.forward_tiles(pixels([3, 3, 21, 21], 3), WIDE);
    // The class token and nine patches; ten channels of the last layer and two of each of them.
    assert_eq!(features.dims(), [3, 10, 30]);
    let alone = |intermediate: Vec<usize>| {
        let mut vit = encoder();
        if let Some(tiles) = &mut vit.tiles {
            tiles.config.intermediate = intermediate;
        }
        vit.forward_tiles(pixels([3, 3, 21, 21], 3), WIDE)
    };
    let channels = |x: Tensor<3>, first: usize, step: usize| {
        let of = (0..10).map(|i| x.clone().narrow(2, first + i * step, 1));
        Tensor::cat(of.collect(), 2)
    };
    assert_eq!(
        distance(channels(features.clone(), 0, 1), alone(vec![])),
        0.0
    );
    for (place, layer) in [2, 1].into_iter().enumerate() {
        let own = channels(features.clone(), 10 + place, 2);
        assert_eq!(distance(own, channels(alone(vec![layer]), 10, 1)), 0.0);
    }
}

#[test]
fn features_of_the_first_layer_are_what_enters_it() {
    let mut vit = encoder();
    let enters = |vit: &mut Vit| {
        if let Some(tiles) = &mut vit.tiles {
            tiles.config.intermediate = vec![0];
        }
        let features = vit.forward_tiles(pixels([1, 3, 21, 21], 3), Tiling::ONE);
        features.narrow(2, 10, 10)
    };
    let before = enters(&mut vit);
    for block in &mut vit.transformer.resblocks {
        let weight = block.attn.out_proj.weight.val() * 3.0;
        block.attn.out_proj.weight = Param::from_tensor(weight);
    }
    assert_eq!(distance(before, enters(&mut vit)), 0.0);
}

#[test]
fn a_tile_that_is_there_moves_all_others_and_its_place_matters() {
    let vit = encoder();
    let x = pixels([3, 3, 21, 21], 3);
    let y = vit.forward_tiles(x.clone(), WIDE);
    let other = Tensor::cat(
        vec![pixels([1, 3, 21, 21], 9), x.clone().narrow(0, 1, 2)],
        0,
    );
    let moved = y.clone() - vit.forward_tiles(other, WIDE);
    assert!(moved.narrow(0, 2, 1).abs().max().into_scalar::<f32>() > 1e-4);
    let tall = Tiling {
        rows: 3,
        columns: 1,
    };
    assert!(distance(y, vit.forward_tiles(x, tall)) > 1e-3);
}

#[test]
fn empty_tiles_see_the_picture_and_the_picture_sees_them() {
    // As one row of attention over all tokens with a mask between those that fill the picture up.
    let vit = encoder();
    let (block, x) = (&vit.transformer.resblocks[0], pixels([1, 7, 1, 10], 5));
    let x = x.reshape([1, 7, 10]);
    let first = 3;
    let hidden = |q: usize, k: usize| if q >= first && k >= first { -1e30 } else { 0.0 };
    let bias: Vec<f32> = (0..7)
        .flat_map(|q| (0..7).map(move |k| hidden(q, k)))
        .collect();
    let bias = flamingo_kernels::floats(bias, [1, 1, 7, 7], &Device::flex());
    let masked = block.forward(x.clone(), Seeing::Bias(&bias));
    let ordered = block.forward(x, Seeing::First(first));
    assert!(distance(masked, ordered) < 1e-6);
}

#[test]
fn pictures_of_one_tile_need_no_tiling() {
    let vit = encoder();
    let x = pixels([2, 3, 21, 21], 3);
    let each = vit.forward(x.clone());
    let second = vit.forward_tiles(x.narrow(0, 1, 1), Tiling::ONE);
    assert_eq!(distance(each.clone().narrow(0, 1, 1), second), 0.0);
    assert_eq!(each.dims(), [2, 10, 30]);
}

#[test]
fn what_no_encoder_can_be_is_said_with_its_values() {
    let said = |change: &dyn Fn(&mut VitConfig)| {
        let mut config = config();
        change(&mut config);
        config.check().err().unwrap_or_default()
    };
    let tiles = |change: fn(&mut TilesConfig)| {
        said(&|config: &mut VitConfig| config.tiles.iter_mut().for_each(change))
    };
    assert!(tiles(|tiles| tiles.most = 0).contains("most 0"));
    let beyond = tiles(|tiles| tiles.intermediate.push(4));
    assert!(
        beyond.contains("has 4") && beyond.contains("vision.layers is 4"),
        "{beyond}"
    );
    assert!(said(&|config| config.class_token_in_features = false).contains("class_token"));
}
