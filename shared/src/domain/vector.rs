//! Vectors of language models, as `pgvector` reads them.

use std::fmt::Write;

/// The length of stored vectors. Shorter ones end with zeros, which changes no inner product.
pub const DIMENSIONS: usize = 768;

/// Returns the text of a vector for a cast: `$1::text::halfvec(768)`.
#[must_use]
pub fn to_text(vector: &[f32]) -> String {
    let mut text = String::with_capacity(vector.len() * 10 + 2);
    for number in vector {
        text.push(if text.is_empty() { '[' } else { ',' });
        // Five digits: more than a half-precision number holds.
        #[expect(clippy::expect_used, reason = "writing to a String cannot fail")]
        write!(text, "{number:.5e}").expect("a String");
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_a_list_in_brackets() {
        assert_eq!(to_text(&[0.5, -0.012_345, 0.0]), "[5.00000e-1,-1.23450e-2,0.00000e0]");
    }
}
