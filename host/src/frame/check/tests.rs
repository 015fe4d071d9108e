//! Tests of each mistake that a component can make, and of strings that are cut into pieces.

use super::super::pace::PIECE;
use super::super::sample::{frame, label, named, polls, texts};
use super::texts::OFFSETS;
use super::*;
use crate::capability::bindings::gpx::plugin::frames::Texts;

fn checked<'a>(frame: &'a Frame, ref_id: &'a str) -> Result<Table<'a>, FrameError> {
    polls(check(frame, ref_id, &mut Pace::new())).0
}

fn checked_field(field: &Field) -> Result<Series<'_>, Mistake> {
    polls(check_field(field, length(&field.column), &mut Pace::new())).0
}

fn mistake(field: Field) -> Mistake {
    checked_field(&field).err().unwrap()
}

fn of_texts(offsets: &[i32], bytes: &[u8]) -> Mistake {
    mistake(named("", Column::Text(Texts { offsets: offsets.to_vec(), bytes: bytes.to_vec() })))
}

#[test]
fn an_error_names_the_frame_the_field_and_the_remedy() {
    let mut short =
        frame(vec![named("time", Column::Time(vec![1, 2])), named("value", Column::Float64(vec![1.0]))]);
    short.name = "response".to_owned();
    let error = checked(&short, "A").err().unwrap();
    assert_eq!(
        error.to_string(),
        "frame \"response\" of query \"A\", fields[1] \"value\": it has 1 rows and the first field has 2; \
         give all fields of a frame the same length"
    );
    short.fields.clear();
    short.meta = Some("[]".to_owned());
    short.ref_id = "B".repeat(1000);
    let error = checked(&short, "A").err().unwrap().to_string();
    assert!(
        error.starts_with(&format!("frame \"response\" of query {:?}: meta is a list", "B".repeat(64))),
        "{error}"
    );
}

#[test]
fn texts_keep_their_offsets() {
    assert_eq!(of_texts(&[], b""), Mistake::NoOffsets);
    assert_eq!(of_texts(&[1, 1], b"a"), Mistake::FirstOffset(1));
    assert_eq!(of_texts(&[i32::MIN, 0], b""), Mistake::FirstOffset(i32::MIN));
    assert_eq!(of_texts(&[0, 2, 1, 2], b"ab"), Mistake::Descends { row: 1, before: 2, after: 1 });
    assert_eq!(of_texts(&[0, -1], b""), Mistake::Descends { row: 0, before: 0, after: -1 });
    assert_eq!(of_texts(&[0, 1], b"ab"), Mistake::LastOffset { last: 1, bytes: 2 });
    assert_eq!(of_texts(&[0, i32::MAX], b"ab"), Mistake::LastOffset { last: i32::MAX, bytes: 2 });
    assert_eq!(of_texts(&[0, 3], b"ab\xff"), Mistake::NotUtf8(2));
    assert_eq!(of_texts(&[0, 1, 2], "é".as_bytes()), Mistake::SplitCharacter(1));
}

#[test]
fn texts_keep_their_offsets_across_pieces() {
    let rows = OFFSETS + 2;
    let offsets = |row: usize, offset: i32| {
        let mut offsets: Vec<i32> = (0..=rows as i32).collect();
        offsets[row] = offset;
        offsets
    };
    let bytes = vec![b'a'; rows];
    for row in [OFFSETS - 1, OFFSETS, OFFSETS + 1] {
        let before = row as i32 - 1;
        assert_eq!(of_texts(&offsets(row, 0), &bytes), Mistake::Descends { row: row - 1, before, after: 0 });
        let mut bytes = bytes.clone();
        bytes[row - 1..=row].copy_from_slice("é".as_bytes());
        assert_eq!(of_texts(&offsets(0, 0), &bytes), Mistake::SplitCharacter(row));
    }
}

#[test]
fn characters_may_be_cut_by_pieces() {
    let of_bytes = |bytes: Vec<u8>| {
        let texts = Texts { offsets: vec![0, bytes.len() as i32], bytes };
        checked_field(&named("", Column::Text(texts))).err()
    };
    for (character, len) in [("é", 2), ("€", 3), ("🦀", 4)] {
        for before in PIECE - len..=PIECE {
            let mut bytes = vec![b'a'; before];
            bytes.extend_from_slice(character.as_bytes());
            bytes.extend_from_slice(&vec![b'a'; PIECE]);
            assert_eq!(of_bytes(bytes.clone()), None);
            bytes[before + len - 1] = b'a';
            assert_eq!(of_bytes(bytes.clone()), Some(Mistake::NotUtf8(before)));
            bytes.truncate(before + len - 1);
            assert_eq!(of_bytes(bytes), Some(Mistake::NotUtf8(before)));
        }
    }
}

#[test]
fn everything_long_takes_many_steps() {
    const PIECES: usize = 20;
    let long = "x".repeat(PIECES * PIECE);
    let json = format!(r#"{{"unit":"{long}"}}"#);
    let count = |field: Field| {
        let (checked, count) =
            polls(async { check_field(&field, length(&field.column), &mut Pace::new()).await.map(|_| ()) });
        assert_eq!(checked, Ok(()));
        count
    };
    let rows = 8 * PIECES * PIECE;
    let bits = vec![0xFF; rows / 8];
    let booleans = Booleans { rows: rows as u32, bits: bits.clone() };
    let validity = Field { validity: Some(bits), ..named("", Column::Boolean(booleans)) };
    let config = Field { config: Some(json.clone()), ..named("", Column::Uint8(vec![])) };
    let empty = Texts { offsets: vec![0; PIECES * OFFSETS], bytes: vec![] };
    for (pieces, count) in [
        (PIECES, count(validity)),
        // The grammar, then the index.
        (2 * PIECES, count(config)),
        (PIECES, count(named("", Column::Text(texts(&[&long]))))),
        (2 * PIECES, count(named("", Column::Text(empty)))),
        (2 * PIECES, count(named("", Column::Json(texts(&[&json]))))),
    ] {
        assert!((pieces - 1..=pieces + 3).contains(&count), "{count} polls for {pieces} pieces");
    }
}

#[test]
fn bitmaps_have_a_bit_for_each_row() {
    let mut field = named("", Column::Uint8(vec![0; 9]));
    field.validity = Some(vec![0xFF]);
    assert_eq!(mistake(field), Mistake::Validity { bits: 8, rows: 9 });
    let booleans = Booleans { rows: u32::MAX, bits: vec![] };
    assert_eq!(
        mistake(named("", Column::Boolean(booleans))),
        Mistake::Booleans { bits: 0, rows: u32::MAX as usize }
    );
}

#[test]
fn json_is_json() {
    let reason = |mistake| match mistake {
        Mistake::NotJson { row, reason } => (row, reason),
        other => panic!("{other}"),
    };
    let (row, why) = reason(mistake(named("", Column::Json(texts(&["1", "{]"])))));
    assert_eq!(
        (row, why.to_string().as_str()),
        (1, "expected a key in quotes or the end of the object at byte 1")
    );
    assert_eq!(reason(mistake(named("", Column::Json(texts(&[""]))))).0, 0);
    assert_eq!(reason(mistake(named("", Column::Json(texts(&["1 2"]))))).0, 0);

    for config in ["", "{", "{}{}"] {
        let mut field = named("", Column::Uint8(vec![]));
        field.config = Some(config.to_owned());
        assert!(matches!(mistake(field), Mistake::NotJsonText { what: "config", .. }), "{config}");
    }
    for config in ["[]", "\"{}\""] {
        let mut field = named("", Column::Uint8(vec![]));
        field.config = Some(config.to_owned());
        assert!(matches!(mistake(field), Mistake::Unfit(_)), "{config}");
    }
    // At any depth: the check keeps its position on the heap.
    let deep = format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    assert!(checked_field(&named("", Column::Json(texts(&[&deep])))).is_ok());
}

#[test]
fn labels_are_few_and_differ() {
    let labelled = |labels: Vec<Label>| Field { labels: Some(labels), ..named("", Column::Uint8(vec![])) };
    let field = labelled(vec![label("b", "1"), label("a", "2")]);
    assert!(checked_field(&field).is_ok());
    let labels = field.labels.unwrap();
    assert_eq!(sorted(&labels).iter().map(|label| label.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let field = labelled(vec![label("a", "1"), label("b", "1"), label("a", "2")]);
    assert_eq!(mistake(field), Mistake::RepeatedLabel("a".to_owned()));

    let many = |count| (0..count).map(|number: usize| label(&number.to_string(), "")).collect();
    assert!(checked_field(&labelled(many(LABELS))).is_ok());
    assert_eq!(mistake(labelled(many(LABELS + 1))), Mistake::ManyLabels(LABELS + 1));
    let long = "x".repeat(LABEL_NAMES);
    assert!(checked_field(&labelled(vec![label(&long, ""), label("", "")])).is_ok());
    assert_eq!(mistake(labelled(vec![label(&long, ""), label("y", "")])), Mistake::ManyLabels(2));
}

#[test]
fn the_querys_ref_id_is_used_instead_of_an_empty_one() {
    let mut frame = frame(vec![]);
    assert_eq!(checked(&frame, "A").unwrap().ref_id, "A");
    frame.ref_id = "B".to_owned();
    assert_eq!(checked(&frame, "A").unwrap().ref_id, "B");
}

#[test]
fn nulls_are_counted_within_the_rows() {
    let nulls =
        |bitmap: &[u8], rows| polls(Nulls::new(bitmap, rows, &mut Pace::new())).0.map(|nulls| nulls.count);
    assert_eq!(nulls(&[0b0000_0101], 3), Some(1));
    assert_eq!(nulls(&[0b1111_1000], 3), Some(3));
    assert_eq!(nulls(&[0b0000_0111], 3), None);
    assert_eq!(nulls(&[0xFF, 0x00, 0xFF], 16), Some(8));
    assert_eq!(nulls(&[0xFF], 8), None);
    assert_eq!(nulls(&[], 0), None);
}
