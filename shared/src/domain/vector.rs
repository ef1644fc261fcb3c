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

/// Returns the vector with length 1, and with zeros up to [`DIMENSIONS`] numbers. `None` for one that is too long or has no direction:
/// only zeros, or a number that is not finite.
#[must_use]
pub fn normalized(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let length = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    if !length.is_normal() || vector.len() > DIMENSIONS {
        return None;
    }
    for number in &mut vector {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a number from -1 to 1, with the precision of the input"
        )]
        let scaled = (f64::from(*number) / length) as f32;
        *number = scaled;
    }
    vector.resize(DIMENSIONS, 0.0);
    Some(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_without_a_direction_is_not_normalized() {
        for vector in
            [vec![], vec![0.0, 0.0], vec![f32::NAN, 1.0], vec![f32::INFINITY], vec![1.0; DIMENSIONS + 1]]
        {
            assert_eq!(normalized(vector), None);
        }
        // Their squares overflow or vanish as f32.
        for vector in [vec![f32::MAX, f32::MAX], vec![1e-30, 1e-30]] {
            let vector = normalized(vector).expect("a vector");
            assert!(vector[..2].iter().all(|number| (number - std::f32::consts::FRAC_1_SQRT_2).abs() < 1e-6));
            assert_eq!(vector[2..], [0.0; DIMENSIONS - 2]);
        }
    }

    #[test]
    fn text_is_a_list_in_brackets() {
        assert_eq!(to_text(&[0.5, -0.012_345, 0.0]), "[5.00000e-1,-1.23450e-2,0.00000e0]");
    }
}
