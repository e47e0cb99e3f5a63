//! An image tower, as a program brings one.

use flamingo_image::Image;

/// What goes wrong in a tower.
pub type TowerFailure = Box<dyn std::error::Error + Send + Sync>;

/// An image tower, with a text tower where it has one; both embed into the same space.
pub trait Tower {
    /// A vector for each picture.
    ///
    /// # Errors
    ///
    /// What the tower says.
    fn embed_images(&mut self, images: &[Image]) -> Result<Vec<Vec<f32>>, TowerFailure>;

    /// A vector for each text; none if the tower takes no texts.
    ///
    /// # Errors
    ///
    /// What the tower says.
    fn embed_texts(&mut self, texts: &[String]) -> Result<Option<Vec<Vec<f32>>>, TowerFailure>;
}

impl<T: Tower + ?Sized> Tower for Box<T> {
    fn embed_images(&mut self, images: &[Image]) -> Result<Vec<Vec<f32>>, TowerFailure> {
        (**self).embed_images(images)
    }

    fn embed_texts(&mut self, texts: &[String]) -> Result<Option<Vec<Vec<f32>>>, TowerFailure> {
        (**self).embed_texts(texts)
    }
}

/// An image tower as a build holds it.
pub type BoxedTower = Box<dyn Tower + Send>;
