//! Rebuilds the table of objects of a PDF. It is what most often is wrong: an editor or a transfer has changed the ends of the lines.

use std::collections::BTreeMap;

/// Where the end of a complete file is marked.
const END_WITHIN: usize = 2048;

/// Returns the file with a new table; `None` if it is incomplete, encrypted, or has no catalogue.
pub fn rebuild(file: &[u8]) -> Option<Vec<u8>> {
    let end = &file[file.len().saturating_sub(END_WITHIN)..];
    find(end, b"%%EOF").next()?;
    // The keys are in the old trailer, which may be what is damaged.
    if find(file, b"/Encrypt").next().is_some() {
        return None;
    }
    let mut objects = BTreeMap::new();
    for at in find(file, b" obj") {
        if let Some((start, number, generation)) = header(&file[..at]) {
            // The last one of a number counts: a file that was changed has the new objects at its end.
            objects.insert(number, (start, generation));
        }
    }
    let root = find(file, b"/Root").filter_map(|at| reference(&file[at + 5..])).last();
    let root = root.filter(|root| objects.contains_key(root)).or_else(|| {
        let catalogue = find(file, b"/Catalog").last()?;
        let before = objects.iter().filter(|(_, (start, _))| *start < catalogue);
        before.max_by_key(|(_, (start, _))| *start).map(|(number, _)| *number)
    })?;
    let mut rebuilt = file.to_vec();
    rebuilt.extend(b"\n");
    let table = rebuilt.len();
    rebuilt.extend(b"xref\n0 1\n0000000000 65535 f \n");
    for (number, (start, generation)) in &objects {
        rebuilt.extend(format!("{number} 1\n{start:010} {generation:05} n \n").bytes());
    }
    let (size, (_, generation)) = (objects.last_key_value()?.0 + 1, objects.get(&root)?);
    let trailer =
        format!("trailer\n<< /Size {size} /Root {root} {generation} R >>\nstartxref\n{table}\n%%EOF\n");
    rebuilt.extend(trailer.bytes());
    Some(rebuilt)
}

fn find<'a>(bytes: &'a [u8], pattern: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    bytes.windows(pattern.len()).enumerate().filter(move |(_, window)| *window == pattern).map(|(at, _)| at)
}

/// Reads `12 0` at the end of `before`. Returns where it begins, the number and the generation.
fn header(before: &[u8]) -> Option<(usize, u32, u16)> {
    let (rest, generation) = number_at_end(before)?;
    let (rest, number) = number_at_end(rest.strip_suffix(b" ")?)?;
    let is_word = rest.last().is_none_or(u8::is_ascii_whitespace);
    is_word.then_some((rest.len(), number, u16::try_from(generation).ok()?))
}

fn number_at_end(bytes: &[u8]) -> Option<(&[u8], u32)> {
    let digits = bytes.iter().rev().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    let (rest, number) = bytes.split_at(bytes.len() - digits);
    Some((rest, std::str::from_utf8(number).ok()?.parse().ok()?))
}

/// Reads the number of ` 12 0 R`.
fn reference(after: &[u8]) -> Option<u32> {
    let after = after.trim_ascii_start();
    let digits = after.iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&after[..digits]).ok()?.parse().ok()
}
