//! Rows of a call: cut into requests, and matched with the rows of an answer.

use futures::future::join_all;

/// What `ask` answers to `rows`, in order, asked side by side in pieces of at most `limit` rows.
///
/// For gateways that drop in silence what is beyond their limit. `ask` answers one for each row.
pub async fn in_pieces<A, B>(rows: &[A], limit: usize, ask: impl AsyncFn(&[A]) -> Vec<B>) -> Vec<B> {
    join_all(rows.chunks(limit).map(|piece| ask(piece))).await.into_iter().flatten().collect()
}

/// The different ones of `values`, in the order they first come: an id that is asked for twice goes
/// out once, and a row that is answered twice is no contradiction if both say the same.
pub fn distinct<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use std::cell::RefCell;

    #[test]
    fn pieces_keep_the_order_and_lose_no_row() {
        let sizes = RefCell::new(Vec::new());
        let ask = async |piece: &[u32]| {
            sizes.borrow_mut().push(piece.len());
            piece.iter().map(|n| n * 10).collect()
        };
        let rows: Vec<u32> = (0..205).collect();
        let answers = in_pieces(&rows, 100, ask).now_or_never().unwrap();
        assert_eq!(answers, rows.iter().map(|n| n * 10).collect::<Vec<_>>());
        assert_eq!(sizes.into_inner(), [100, 100, 5]);
    }

    #[test]
    fn the_first_of_equal_values_stays() {
        assert_eq!(distinct(["b", "a", "b", "c", "a"]), ["b", "a", "c"]);
    }
}
