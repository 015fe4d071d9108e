use super::sample::{Random, frame, label, named, paid, polls, texts};
use super::*;
use crate::budget::{MemoryAccount, MemoryKind};
use crate::capability::bindings::gpx::plugin::frames::{Booleans, Column, Field, Texts};
use pace::PIECE;

const FORMATS: [Format; 2] = [Format::Arrow, Format::Json];

impl Random {
    /// Mostly `len`.
    fn len(&mut self, len: usize) -> usize {
        if self.below(8) == 0 { self.below(20) as usize } else { len }
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..self.len(len)).map(|_| b"\0\xFF{}[]\"1a<\xC3\xA9"[self.below(12) as usize]).collect()
    }

    fn texts(&mut self, rows: usize) -> Texts {
        let bytes = self.bytes(rows);
        let mut offsets: Vec<i32> = (0..=self.len(rows)).map(|row| row.min(bytes.len()) as i32).collect();
        if self.below(4) == 0 {
            let at = self.below(offsets.len() as u64) as usize;
            offsets[at] = [i32::MIN, -1, 0, 1, i32::MAX][self.below(5) as usize];
        }
        Texts { offsets, bytes }
    }

    fn field(&mut self, rows: usize) -> Field {
        let column = match self.below(6) {
            0 => Column::Text(self.texts(rows)),
            1 => Column::Json(self.texts(rows)),
            2 => {
                let bits = self.bytes(rows.div_ceil(8));
                let rows = if self.below(8) == 0 { u32::MAX } else { self.len(rows) as u32 };
                Column::Boolean(Booleans { rows, bits })
            }
            3 => Column::Time(vec![[i64::MIN, i64::MAX, 1][self.below(3) as usize]; self.len(rows)]),
            4 => Column::Float32(vec![[f32::NAN, f32::MIN][self.below(2) as usize]; self.len(rows)]),
            _ => Column::Uint8(self.bytes(rows)),
        };
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let config = (self.below(4) == 0).then(|| text(self.bytes(2)));
        let validity = (self.below(2) == 0).then(|| self.bytes(rows.div_ceil(8)));
        Field { name: text(self.bytes(3)), labels: None, config, validity, column }
    }
}

#[test]
fn whatever_a_component_sends_is_encoded_or_refused() {
    let mut random = Random::new();
    let mut encoded = 0;
    for _ in 0..20_000 {
        let rows = random.below(20) as usize;
        let fields = (0..random.below(4)).map(|_| random.field(rows)).collect();
        let frame = Frame { name: String::new(), ref_id: String::new(), meta: None, fields };
        let one = |format| {
            polls(encode(vec![frame.clone()], "A", format, paid())).0.map(|mut frames| frames.remove(0))
        };
        let arrow = one(Format::Arrow);
        match one(Format::Json) {
            Ok(json) => {
                assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&json).is_ok(), "{json:?}");
                let (schema, batch) = arrow::tests::read(&arrow.unwrap());
                assert_eq!(schema.fields().len(), frame.fields.len());
                assert!(batch.is_none_or(|batch| batch.num_columns() == frame.fields.len()));
                encoded += 1;
            }
            Err(error) => assert_eq!(error.to_string(), arrow.unwrap_err().to_string()),
        }
    }
    assert!((1_000..19_000).contains(&encoded), "{encoded} frames were encoded: both ends are tried");
}

#[test]
fn a_small_answer_is_ready_at_the_first_poll() {
    let fields = || {
        let mut value = named("value", Column::Float64(vec![0.5; 1000]));
        value.labels = Some(vec![label("b", "1"), label("a", "2")]);
        value.config = Some("{}".to_owned());
        vec![named("time", Column::Time(vec![1; 1000])), value, named("", Column::Text(texts(&["a"; 1000])))]
    };
    let frames = || vec![frame(fields())];
    for format in FORMATS {
        let (encoded, count) = polls(encode(frames(), "A", format, paid()));
        assert_eq!((encoded.unwrap().len(), count), (1, 1));
    }
    assert_eq!(polls(encode(vec![], "A", Format::Json, paid())).1, 1);
}

#[test]
fn many_small_parts_take_many_pieces() {
    let empty = || named("", Column::Uint8(vec![]));
    let many = 20 * PIECE / pace::FIELD_WORK;
    let labelled = Field { labels: Some(vec![label("a", "")]), ..empty() };
    for format in FORMATS {
        for frames in [vec![frame(vec![]); many], vec![frame(vec![labelled.clone(); many])]] {
            let (encoded, count) = polls(encode(frames, "A", format, paid()));
            assert!(encoded.is_ok() && count >= 20, "{count} polls");
        }
    }
}

#[test]
fn an_answer_can_be_dropped_at_any_time() {
    let long = "x".repeat(4 * PIECE);
    let fields =
        vec![named(&long, Column::Json(texts(&[&format!("\"{long}\"")]))), named("", Column::Uint8(vec![1]))];
    for format in FORMATS {
        let frames = || vec![frame(fields.clone()); 3];
        let (encoded, count) = polls(encode(frames(), "A", format, paid()));
        assert_eq!(encoded.unwrap().len(), 3);
        for polled in 0..count {
            let mut future = Box::pin(encode(frames(), "A", format, paid()));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            for _ in 0..polled {
                assert!(future.as_mut().poll(&mut context).is_pending());
            }
            drop(future);
        }
    }
}

#[test]
fn all_frames_of_an_answer_share_one_limit() {
    let named_frame =
        |name: &str| Frame { name: name.to_owned(), ..frame(vec![named("", Column::Uint8(vec![1; 100]))]) };
    for format in FORMATS {
        let frames = || vec![named_frame("1"), named_frame("2"), named_frame("3")];
        let encode = |limit| polls(encode_within(limit, frames(), "A", format, Include::All, paid())).0;
        let all: usize = encode(usize::MAX).unwrap().iter().map(Bytes::len).sum();
        assert_eq!(encode(all).unwrap().len(), 3);
        for (limit, name) in [(all - 1, "3"), (all / 2, "2"), (100, "1")] {
            assert_eq!(
                encode(limit).unwrap_err().to_string(),
                format!(
                    "frame {name:?} of query \"A\": it and the frames before it take more than 536870912 bytes when \
                     they are encoded; return fewer rows, fields or frames"
                )
            );
        }
    }
}

#[test]
fn the_answers_of_a_call_share_one_room() {
    let frames = || vec![frame(vec![named("", Column::Uint8(vec![1; 100]))]); 2];
    for format in FORMATS {
        let encode = |room: &mut Room| polls(encode_beside_others(frames(), "A", format, paid(), room)).0;
        let len: usize = encode(&mut Room::new()).unwrap().iter().map(Bytes::len).sum();
        let mut room = Room::of(2 * len + len / 2);
        assert!(encode(&mut room).is_ok() && encode(&mut room).is_ok());
        let error = encode(&mut room).unwrap_err().to_string();
        assert!(error.contains("it and the frames before it take more than"), "{error}");
        assert_eq!(room.bytes, len / 2, "what failed takes no room");

        let mut room = Room { frames: 3, ..Room::new() };
        assert!(encode(&mut room).is_ok());
        assert_eq!(
            encode(&mut room).unwrap_err().to_string(),
            "query \"A\": the answers up to this one have 100001 frames; return at most 100000 in all"
        );
    }
}

#[test]
fn small_answers_of_a_call_are_paid_for_together() {
    let account = MemoryAccount::new(1 << 30);
    let owner = account.owner();
    let rows = draft::PAYMENT / 4;
    for format in FORMATS {
        let mut room = Room::new();
        let (mut kept, mut len) = (Vec::new(), 0);
        for _ in 0..10 {
            let frames = vec![frame(vec![named("", Column::Uint8(vec![0; rows]))])];
            let memory = owner.nothing(MemoryKind::Answers);
            let encoded = polls(encode_beside_others(frames, "A", format, memory, &mut room)).0.unwrap();
            len += encoded.iter().map(Bytes::len).sum::<usize>();
            kept.push(encoded);
        }
        assert_eq!(account.taken(), 2 * (len - draft::PAYMENT), "{format:?}");
        drop(kept);
        assert_eq!(account.taken(), 0);
    }
}

#[test]
fn the_number_of_frames_of_an_answer_is_limited() {
    for format in FORMATS {
        let (result, count) = polls(encode(vec![frame(vec![]); limit::FRAMES + 1], "A", format, paid()));
        let error = result.unwrap_err().to_string();
        assert_eq!(error, "query \"A\": its answer has 100001 frames; return at most 100000");
        assert_eq!(count, 1);
    }
    assert!(polls(encode(vec![frame(vec![]); limit::FRAMES], "A", Format::Json, paid())).0.is_ok());
}

#[test]
fn what_cannot_fit_is_refused_before_it_is_written() {
    let rows = 1 << 20;
    let column = Column::Boolean(Booleans { rows, bits: vec![0; rows as usize / 8] });
    let frames = vec![frame(vec![named("", column)])];
    let (encoded, count) = polls(encode_within(4 << 20, frames, "A", Format::Json, Include::All, paid()));
    assert!(encoded.is_err());
    assert_eq!(count, 1);
}

#[test]
fn a_frame_is_sent_as_a_whole_or_in_part() {
    let table = || {
        let mut table = frame(vec![named("x", Column::Float64(vec![1.0]))]);
        table.name = "live".to_owned();
        table
    };
    let schema =
        r#""schema":{"name":"live","fields":[{"name":"x","type":"number","typeInfo":{"frame":"float64"}}]}"#;
    let data = r#""data":{"values":[[1]]}"#;
    for (include, parts) in
        [(Include::All, vec![schema, data]), (Include::Rows, vec![data]), (Include::Schema, vec![schema])]
    {
        let (encoded, _) = polls(encode_packet(table(), include, paid()));
        assert_eq!(encoded.unwrap(), format!("{{{}}}", parts.join(",")));
    }
    let nested = format!("{}{}", "[".repeat(limit::NESTING), "]".repeat(limit::NESTING));
    let json = frame(vec![named("json", Column::Json(texts(&[&nested])))]);
    let (deep, _) = polls(encode_packet(json, Include::All, paid()));
    assert!(matches!(deep, Err(PacketMistake::Json(packet::JsonMistake::Deep))), "{deep:?}");
    let wrong = frame(vec![named("x", Column::Float64(vec![])), named("y", Column::Float64(vec![1.0]))]);
    let (wrong, _) = polls(encode_packet(wrong, Include::Rows, paid()));
    assert!(wrong.unwrap_err().to_string().starts_with("frame \"\", fields[1] \"y\": it has 1 rows"));
}
