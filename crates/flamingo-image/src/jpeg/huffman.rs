//! Huffman tables.

use super::bits::Bits;

/// Bits that one look into a table decides.
const LOOK: u32 = 10;

/// The symbols of a table by their codes.
pub(super) struct Huffman {
    looks: [Look; 1 << LOOK],
    /// For each length of code: the first number, as 16 bits, that is no code of it.
    ends: [u32; 17],
    /// For each length: what to add to a code for the place of its symbol.
    offsets: [i32; 17],
    symbols: [u8; 256],
}

/// What the next bits say.
#[derive(Clone, Copy, Default)]
pub(super) struct Look {
    /// The coefficient, where code and value fit in a look; otherwise 0.
    pub(super) value: i16,
    /// Zeros before the value; where that is 0, the symbol.
    pub(super) run: u8,
    /// Bits used; 0 where the code is longer than a look.
    pub(super) bits: u8,
}

impl Huffman {
    /// A table of a DHT segment: how many codes there are of each length, and their symbols.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut table = Self {
            looks: [Look::default(); 1 << LOOK],
            ends: [0; 17],
            offsets: [0; 17],
            symbols: [0; 256],
        };
        table
            .symbols
            .get_mut(..symbols.len())?
            .copy_from_slice(symbols);
        let (mut code, mut place) = (0_u32, 0_usize);
        for (length, &count) in (1_u32..).zip(counts) {
            table.offsets[length as usize] = place as i32 - code as i32;
            for _ in 0..count {
                table.enter(code, length, *symbols.get(place)?);
                (code, place) = (code + 1, place + 1);
            }
            if code > 1 << length {
                return None;
            }
            table.ends[length as usize] = if count > 0 { code << (16 - length) } else { 0 };
            code <<= 1;
        }
        Some(table)
    }

    /// Fills the looks that begin with a code.
    fn enter(&mut self, code: u32, length: u32, symbol: u8) {
        if length > LOOK || code >= 1 << length {
            return;
        }
        let free = LOOK - length;
        let size = u32::from(symbol & 15);
        for rest in 0..1_u32 << free {
            let look = if size > 0 && size <= free {
                Look {
                    value: extend(rest >> (free - size), size) as i16,
                    run: symbol >> 4,
                    bits: (length + size) as u8,
                }
            } else {
                Look {
                    value: 0,
                    run: symbol,
                    bits: length as u8,
                }
            };
            self.looks[(code << free | rest) as usize] = look;
        }
    }

    /// Whether all symbols are sizes of a difference of DC values.
    pub(super) fn is_dc(&self) -> bool {
        self.symbols.iter().all(|&symbol| symbol < 16)
    }

    /// What the window begins with.
    #[inline(always)]
    pub(super) fn look(&self, window: u64) -> Look {
        self.looks[(window >> (64 - LOOK)) as usize]
    }

    /// The symbol of a code that is longer than a look, and its length. What is no code counts as
    /// 17 bits and symbol 0, as in libjpeg.
    #[cold]
    #[inline(never)]
    pub(super) fn long(&self, window: u64) -> (u8, u32) {
        let next = (window >> 48) as u32;
        for length in LOOK + 1..=16 {
            if next < self.ends[length as usize] {
                let code = (next >> (16 - length)) as i32;
                let place = (code + self.offsets[length as usize]) as usize & 0xFF;
                return (self.symbols[place], length);
            }
        }
        (0, 17)
    }

    /// The next symbol.
    #[inline]
    pub(super) fn symbol(&self, bits: &mut Bits) -> u8 {
        if bits.count < 32 {
            bits.refill();
        }
        let look = self.look(bits.window);
        let (symbol, length) = match look {
            Look { bits: 0, .. } => self.long(bits.window),
            Look {
                value: 0,
                run,
                bits,
            } => (run, u32::from(bits)),
            Look { value, run, bits } => {
                let size = value.unsigned_abs().ilog2() + 1;
                ((run << 4) | size as u8, u32::from(bits) - size)
            }
        };
        bits.window <<= length;
        bits.count -= length;
        symbol
    }
}

/// The number that `size` bits stand for: negative ones begin with a 0.
#[inline(always)]
pub(super) fn extend(bits: u32, size: u32) -> i32 {
    let negative = bits >> (size - 1) == 0;
    bits as i32 - if negative { (1 << size) - 1 } else { 0 }
}
