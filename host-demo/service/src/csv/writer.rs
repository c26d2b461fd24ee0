//! Writing CSV files that open in a Japanese Excel: every cell in quotes, and none that Excel would take for a formula.

use crate::csv::encoding::Charset;
use crate::csv::guard::guarded;
use encoding_rs::{EncoderResult, SHIFT_JIS};

/// Stands for what `Shift_JIS` cannot write (〓), as printers have it.
const UNWRITABLE: [u8; 2] = [0x81, 0xac];
/// The dash that `Shift_JIS` has (―), for those that it has not (–, —). Not `-`, with which a formula can begin.
const DASH: [u8; 2] = [0x81, 0x5c];

/// A file of a heading line and lines.
pub fn write<const N: usize>(
    headings: [&str; N],
    lines: impl IntoIterator<Item = [String; N]>,
    charset: Charset,
) -> Vec<u8> {
    let always = csv::QuoteStyle::Always;
    let mut writer =
        csv::WriterBuilder::new().quote_style(always).terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing lines of one length to memory cannot fail.
    let _ = writer.write_record(headings);
    for cells in lines {
        let _ = writer.write_record(cells.map(|cell| guarded(&cell)));
    }
    let text = writer.into_inner().unwrap_or_default();
    match charset {
        Charset::Utf8 => [b"\xef\xbb\xbf", &text[..]].concat(),
        Charset::ShiftJis => shift_jis(&String::from_utf8_lossy(&text)),
    }
}

fn shift_jis(mut text: &str) -> Vec<u8> {
    let mut encoder = SHIFT_JIS.new_encoder();
    let mut bytes = Vec::with_capacity(text.len());
    loop {
        // Two bytes for each byte of UTF-8 are always enough: a character has at least one and becomes at most two.
        bytes.reserve(text.len() * 2);
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(text, &mut bytes, true);
        text = text.get(read..).unwrap_or_default();
        match result {
            EncoderResult::InputEmpty => return bytes,
            EncoderResult::OutputFull => {}
            EncoderResult::Unmappable('–' | '—') => bytes.extend(DASH),
            EncoderResult::Unmappable(_) => bytes.extend(UNWRITABLE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings() {
        let lines = || [["髙橋 \"花\"".to_owned(), "😀=–".to_owned()]];
        let utf8 = write(["氏名", "備考"], lines(), Charset::Utf8);
        assert_eq!(utf8, "\u{feff}\"氏名\",\"備考\"\r\n\"髙橋 \"\"花\"\"\",\"😀=–\"\r\n".as_bytes());
        let sjis = write(["氏名", "備考"], lines(), Charset::ShiftJis);
        let (text, _, broken) = SHIFT_JIS.decode(&sjis);
        assert_eq!((text.as_ref(), broken), ("\"氏名\",\"備考\"\r\n\"髙橋 \"\"花\"\"\",\"〓=―\"\r\n", false));
    }
}
