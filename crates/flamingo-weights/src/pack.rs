//! Weights laid out for products while they are read.

use flamingo_kernels::burn::module::ParamId;
use flamingo_kernels::{
    Bf16Matrix, Init, Matrices, PackedMatrix, PackedWeight, PackedWeights, Precision,
    QuantisedMatrix, Unfit, WeightType, multiplies_packed,
};

use crate::quantise::{HEAD, Planned, Weighed, fits, planned};
use crate::{Result, Tensors};

/// The embedding, which is the output head, too, where there is no other.
const EMBEDDING: &str = "language.embed.weight";

/// Fills a model's packed weights while its tensors are read.
pub(crate) struct Packer<'a> {
    places: &'a PackedWeights,
    weights: WeightType,
    /// Whether the embedding is the output head.
    tied_head: bool,
    /// Whether the device multiplies with packed weights.
    packs: bool,
    pub(crate) weighed: Weighed,
}

impl<'a> Packer<'a> {
    /// Of the weights that `init` handed out.
    pub(crate) fn new(init: &'a Init, weights: WeightType, tied_head: bool) -> Self {
        Self {
            places: init.packed_weights(),
            weights,
            tied_head,
            packs: multiplies_packed(init.device()),
            weighed: Weighed::default(),
        }
    }

    /// Packs the matrix of a linear layer or of the output head, if it is one and is to be.
    pub(crate) fn pack(
        &mut self,
        tensors: &Tensors,
        name: &str,
        id: ParamId,
    ) -> Result<Option<PackedWeight>> {
        let Some(&[d_output, d_input]) = tensors.shape(name) else {
            return Ok(None);
        };
        let shape = [d_output, d_input];
        if let Some(place) = self.places.linear(id) {
            return self.linear(tensors, name, shape, place);
        }
        match self.places.table(id) {
            Some(place) if self.tied_head && name == EMBEDDING => {
                self.head(tensors, name, shape, place)
            }
            _ => Ok(None),
        }
    }

    fn linear(
        &mut self,
        tensors: &Tensors,
        name: &str,
        shape: [usize; 2],
        place: &PackedWeight,
    ) -> Result<Option<PackedWeight>> {
        let matrix = match planned(tensors, name, &self.weights)? {
            Planned::Dense => return self.in_bf16(tensors, name, shape, place),
            Planned::Copied(kind) => {
                QuantisedMatrix::from_bytes(kind, shape, &tensors.bytes(name)?)
            }
            Planned::Quantised(kind) => match fits(kind, shape[1]) {
                Ok(()) => QuantisedMatrix::nearest(kind, shape, &tensors.values(name)?),
                Err(unfit) => Err(unfit),
            },
        };
        match self.quantised(name, place, matrix) {
            true => Ok(Some(place.clone())),
            false => self.in_bf16(tensors, name, shape, place),
        }
    }

    /// The embedding where it is the output head, too: a quantised copy for that, or all of it.
    fn head(
        &mut self,
        tensors: &Tensors,
        name: &str,
        shape: [usize; 2],
        place: &PackedWeight,
    ) -> Result<Option<PackedWeight>> {
        let quantised = match self.weights.matrices {
            Matrices::AsStored => tensors.any_quantised(),
            Matrices::Dense => false,
            Matrices::Quantised(_) => true,
        };
        if !quantised {
            return self.in_bf16(tensors, name, shape, place);
        }
        let matrix = match fits(HEAD, shape[1]) {
            Ok(()) => QuantisedMatrix::nearest(HEAD, shape, &tensors.values(name)?),
            Err(unfit) => Err(unfit),
        };
        match self.quantised(name, place, matrix) {
            true => Ok(None),
            false => self.in_bf16(tensors, name, shape, place),
        }
    }

    /// Puts a quantised matrix there, or tells why there is none.
    fn quantised(
        &mut self,
        name: &str,
        place: &PackedWeight,
        matrix: std::result::Result<QuantisedMatrix, Unfit>,
    ) -> bool {
        match matrix {
            Ok(matrix) => {
                self.weighed.add(matrix.kind(), matrix.bytes());
                place.set(matrix);
                true
            }
            Err(unfit) => {
                self.weighed.keep(name, &unfit);
                false
            }
        }
    }

    /// Puts a matrix there that is kept in bf16, if it is.
    fn in_bf16(
        &mut self,
        tensors: &Tensors,
        name: &str,
        shape: [usize; 2],
        place: &PackedWeight,
    ) -> Result<Option<PackedWeight>> {
        if !self.packs || self.weights.precision != Precision::Bf16 {
            return Ok(None);
        }
        let matrix = Bf16Matrix::read(shape, |numbers| tensors.part(name, numbers))?;
        self.weighed.add_dense(matrix.bytes());
        place.set(PackedMatrix::from(matrix));
        Ok(Some(place.clone()))
    }
}
