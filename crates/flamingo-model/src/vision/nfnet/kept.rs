//! What a picture takes in memory on its way through the network.

use super::NfnetConfig;

impl NfnetConfig {
    /// Numbers that a training keeps of one picture for its backward pass: the inputs of all convolutions and
    /// activations, and what squeeze-and-excite is applied to.
    pub(in crate::vision) fn kept_per_image(&self) -> u64 {
        let mut side = self.image_size;
        let mut sum = 0;
        for (number, conv) in self.stem_convs().iter().enumerate() {
            let seen = conv.channels[0] * side * side;
            // The picture itself passes no activation.
            sum += if number == 0 { seen } else { 2 * seen };
            side = side.div_ceil(conv.stride);
        }
        for block in self.blocks().iter().flatten() {
            let [input, output] = block.channels;
            let mut inside = side;
            for conv in self.branch(block) {
                sum += 2 * conv.channels[0] * inside * inside;
                inside = inside.div_ceil(conv.stride);
            }
            let pooled = if block.stride == 1 { 0 } else { input };
            sum += (output + pooled) * inside * inside;
            side = inside;
        }
        let last = self.final_conv().map_or(0, |conv| conv.channels[0]);
        sum += (last + self.width()) * side * side;
        sum as u64
    }

    /// Numbers in memory for one picture at the widest place: the stream, its activation and a product of it.
    pub(in crate::vision) fn work_per_image(&self) -> u64 {
        let mut side = self.image_size;
        let mut most = 3 * side * side;
        for conv in self.stem_convs() {
            side = side.div_ceil(conv.stride);
            most = most.max(conv.channels[1] * side * side);
        }
        for block in self.blocks().iter().flatten() {
            most = most.max(block.channels[0] * side * side);
            side = side.div_ceil(block.stride);
            most = most.max(block.channels[1] * side * side);
        }
        3 * most as u64
    }
}
