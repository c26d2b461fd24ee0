//! Trying a mapping on a file, and the presets that there are.

use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing, Reading};
use crate::web::api::caller::Caller;
use crate::web::api::problem::{Kind, Problem};
use crate::web::api::schemas::order::{OrderItem, Person};
use crate::web::api::transfer::{FileOrder, ImportRowCounts};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use domain::clock;
use domain::lang::Lang;
use serde::{Deserialize, Serialize};
use service::csv::limits::MAX_FILE_BYTES;
use service::csv::mapping::definition::Separator;
use service::csv::mapping::error_text::{definition_error, mapping_error};
use service::csv::mapping::preset::{self, Preset};
use service::csv::mapping::setting;
use service::csv::order_file;
use service::mapping_preview::{self, FileLook, Preview, Sample};
use service::messages::localize::Localize;
use utoipa::{IntoParams, ToSchema};

/// How the exports of a known mall or cart are read.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MappingPreset {
    /// Its name in `preset = "NAME"`.
    id: String,
    /// What the mall is called.
    name: String,
    /// By these headings, if all of them are there, an export is recognised.
    headings: Vec<String>,
    /// The whole mapping in TOML.
    mapping: String,
}

impl From<&Preset> for MappingPreset {
    fn from(preset: &Preset) -> Self {
        let (id, name, headings) = (preset.id.clone(), preset.name.clone(), preset.recognised.all.clone());
        Self { id, name, headings, mapping: preset.text() }
    }
}

/// The presets for the exports of known malls and carts.
#[utoipa::path(get, operation_id = "list_presets", path = "/v1/presets", tag = "csv",
    responses((status = 200, body = [MappingPreset], description = "All of them."), Reading))]
pub(super) async fn presets(_caller: Caller) -> Json<Vec<MappingPreset>> {
    Json(preset::all().iter().map(MappingPreset::from).collect())
}

/// Which mapping is tried.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PreviewOptions {
    /// The mall whose file it is: its `take` says which orders are taken.
    mall: String,
    /// A mapping in TOML, or `preset = "NAME"` with what differs from it. Left out: the mall's own.
    mapping: Option<String>,
}

/// What a file looks like, and what its first orders would be.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MappingPreview {
    /// What the file is written in.
    encoding: &'static str,
    separator: CsvSeparator,
    /// The line of the headings, from 1; 0: the file has none.
    heading_line: u64,
    /// The headings, in the order of the file.
    headings: Vec<String>,
    /// Presets that the file is recognised by, the best one first.
    recognised: Vec<String>,
    /// How the mapping does not fit the file, in the caller's language; nothing of it can then be imported.
    problems: Vec<String>,
    /// The file is large, and only its beginning was read: everything below is about that.
    cut: bool,
    /// What would become of the rows.
    rows: ImportRowCounts,
    /// The first orders that would be taken.
    orders: Vec<PreviewedOrder>,
    /// The first orders that would be refused.
    refused: Vec<FileOrder>,
    /// What an import would ask first, in the caller's language.
    choice: Option<String>,
}

/// What stands between two cells.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum CsvSeparator {
    /// A comma.
    Comma,
    /// A tabulator.
    Tab,
}

/// An order as it would be imported.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PreviewedOrder {
    number: String,
    /// `2026-11-20 21:03:11`, in Japan.
    ordered_at: String,
    buyer: Person,
    /// Absent: the goods go to the buyer.
    recipient: Option<Person>,
    items: Vec<OrderItem>,
    /// Yen.
    shipping_fee: i64,
    /// Yen, before the mall's fee rule.
    payment_fee: i64,
    /// Yen, all of it together.
    total: i64,
    order_status: Option<String>,
    note: Option<String>,
}

impl From<order_file::FileOrder> for PreviewedOrder {
    fn from(order: order_file::FileOrder) -> Self {
        let total = order.data.goods() + order.shipping_fee + order.payment_fee;
        let data = order.data;
        Self {
            number: order.number,
            ordered_at: clock::show(data.ordered_at),
            buyer: data.buyer.into(),
            recipient: data.recipient.map(Person::from),
            items: data.items.into_iter().map(OrderItem::from).collect(),
            shipping_fee: order.shipping_fee,
            payment_fee: order.payment_fee,
            total,
            order_status: order.order_status,
            note: data.note,
        }
    }
}

impl MappingPreview {
    fn new(look: FileLook, preview: Result<Preview, String>, lang: Lang) -> Self {
        let mut problems: Vec<String> = look.mapping_errors.iter().map(|error| mapping_error(error, lang)).collect();
        let preview = match preview {
            Ok(preview) => Some(preview),
            Err(problem) => {
                // What does not fit the headings is the reason.
                if problems.is_empty() {
                    problems.push(problem);
                }
                None
            }
        };
        let counts = preview.as_ref().map(|preview| preview.counts.clone()).unwrap_or_default();
        let cut = preview.as_ref().is_some_and(|preview| preview.is_cut);
        let choice = preview.as_ref().and_then(|preview| preview.question.as_ref());
        let choice = choice.map(|question| question.localized(lang));
        let refused = preview.iter().flat_map(|preview| &preview.refused);
        let refused = refused.map(|bad| FileOrder::refused(bad.clone(), lang)).collect();
        let orders = preview.map(|preview| preview.orders).unwrap_or_default();
        Self {
            encoding: look.encoding,
            separator: if look.separator == Separator::Tab { CsvSeparator::Tab } else { CsvSeparator::Comma },
            heading_line: look.heading_line,
            headings: look.headings,
            recognised: look.recognised.iter().map(|preset| preset.id.clone()).collect(),
            problems,
            cut,
            rows: ImportRowCounts::new(&counts),
            orders: orders.into_iter().map(PreviewedOrder::from).collect(),
            refused,
            choice,
        }
    }
}

/// What a mapping would make of a file. Imports nothing.
#[utoipa::path(post, operation_id = "preview_mapping", path = "/v1/mapping-previews", tag = "csv", params(PreviewOptions, Key),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = MappingPreview, description = "What the file looks like, and its first orders."), Acting, Missing))]
pub(super) async fn preview(
    State(app): State<App>,
    caller: Caller,
    Query(options): Query<PreviewOptions>,
    bytes: Bytes,
) -> Result<Json<MappingPreview>, Problem> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Problem::new(Kind::TooLarge, format!("A file may have {MAX_FILE_BYTES} bytes at most.")));
    }
    let mall = app.store.mall_summary(&options.mall).await?;
    let mall = mall.ok_or_else(|| Problem::no_such("mall", &options.mall))?;
    let text = options.mapping.as_ref().unwrap_or(&mall.mapping);
    let lang = caller.lang;
    let mapping = setting::mapping(text);
    let mapping = mapping.map_err(|error| Problem::new(Kind::Invalid, definition_error(&error, lang)))?;
    let sample = Sample::new(&bytes);
    let unread = |problem: service::csv::error::FileError| problem.localized(lang);
    let look =
        mapping_preview::look(&sample, &mapping).map_err(|problem| Problem::new(Kind::Invalid, unread(problem)))?;
    let preview = mapping_preview::preview(&sample, text, &mall.take).map_err(unread);
    Ok(Json(MappingPreview::new(look, preview, lang)))
}
