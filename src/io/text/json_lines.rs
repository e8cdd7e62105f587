//! Ratings as JSON lines: an object a line.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::io::error::shown;
use crate::io::keys::text_of;
use crate::io::text::columns::{MOVIE, ROLES, TIMESTAMP, USER};
use crate::io::text::lines::{Fields, Problem};

/// Takes the values of the roles out of an object; numbers as they are written, texts without their
/// quotes.
pub(super) fn json_fields<'a>(
    line: &'a [u8],
    names: &[Option<String>; 4],
) -> Result<Fields<'a>, Problem> {
    let object: JsonObject<'a> = serde_json::from_slice(line)
        .map_err(|error| Problem::Unreadable(format!("not a JSON object a line: {error}")))?;
    let mut values: Fields<'a> = Default::default();
    for (name, value) in object.0 {
        let role = names.iter().position(|wanted| wanted.as_deref() == Some(&*name));
        let (Some(role), text) = (role, value.get()) else { continue };
        values[role] = match text.as_bytes() {
            b"null" => None,
            [b'"', ..] => {
                let text: Text<'a> = serde_json::from_str(text)
                    .map_err(|error| Problem::Unreadable(error.to_string()))?;
                Some(match text.0 {
                    Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                    Cow::Owned(text) => Cow::Owned(text.into_bytes()),
                })
            }
            nested @ ([b'{' | b'[', ..] | b"true" | b"false") => {
                let value = String::from_utf8_lossy(nested).into_owned();
                let problem = "is neither a number nor text".into();
                return Err(Problem::Bad { role, value, problem });
            }
            number => Some(Cow::Borrowed(number)),
        };
    }
    let required = |role: &usize| *role <= MOVIE || (*role < TIMESTAMP && names[*role].is_some());
    match (USER..TIMESTAMP).filter(required).find(|&role| values[role].is_none()) {
        Some(role) => {
            let text = text_of(line.to_vec());
            Err(Problem::Unreadable(format!("no {}: `{}`", ROLES[role], shown(&text))))
        }
        None => Ok(values),
    }
}

/// The members of an object, none of them looked into.
struct JsonObject<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for JsonObject<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> serde::de::Visitor<'de> for MembersVisitor {
            type Value = JsonObject<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<JsonObject<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    members.push((name.0, value));
                }
                Ok(JsonObject(members))
            }
        }
        from.deserialize_map(MembersVisitor)
    }
}

/// A text, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
