//! An operator's whole day on the page, in a real browser, against simulated gateways: first steps,
//! settings, import, batches, every button, an unknown outcome, CSV, roles. It ends with the store
//! compared with the gateways' ledgers.

use anyhow::{Context, Result, ensure};
use e2e::browser::Browser;
use e2e::platform::{Platform, sample};
use e2e::reconcile::compare;
use e2e::served::{ADMINISTRATOR, OPERATOR, PASSWORD, Served};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A registration that is carried out while its answer is lost.
const LOST: &str = "drop-answer@order:nth=3";

/// Every order waits for its answer.
const SLOW: &str = "late@order";

/// Far above what any step takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The field in which the column of 商品名 is chosen.
const ITEM_NAME: &str = "select[id='c.27.0']";

/// Exports of malls that are recognised: the preset, and what the mall is called. Each is another mall's than the one
/// before, whose format the mall has by then.
const EXPORTS: [(&str, &str); 8] = [
    ("shopify", "Shopify"),
    ("amazon", "Amazon"),
    ("eccube4", "EC-CUBE"),
    ("colorme", "カラーミー"),
    ("makeshop", "MakeShop"),
    ("next-engine", "ネクストエンジン"),
    ("yahoo-shopping", "Yahoo!ショッピング"),
    ("rakuten", "楽天市場"),
];

/// The export of a preset's test.
fn export(id: &str) -> PathBuf {
    let file = |ending| sample(&format!("../service/tests/presets/{id}.{ending}"));
    if file("csv").exists() { file("csv") } else { file("txt") }
}

struct Day {
    folder: TempDir,
    served: Served,
    browser: Browser,
}

impl Day {
    async fn begin(db: Option<String>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let platform = match db {
            Some(url) => Platform::on(url, folder.path(), "ja")?,
            None => Platform::new(folder.path(), "ja")?,
        };
        let served = Served::start(platform)?;
        let browser = Browser::start(&served.url, "ja", 1440, 900).await?;
        Ok(Self { folder, served, browser })
    }

    async fn sign_in(&self, name: &str, password: &str) -> Result<()> {
        self.browser.open("/signin").await?;
        self.browser.fill("#name", name).await?;
        self.browser.fill("#password", password).await?;
        self.browser.follow("main button.main").await
    }

    /// Sees that the page has no serious fault of accessibility.
    async fn accessible(&self) -> Result<()> {
        let faults = self.browser.faults().await?;
        ensure!(faults.is_empty(), "{}: {faults:#?}", self.browser.path().await?);
        Ok(())
    }

    /// The address of the order at the top of the list that is filtered by `query`.
    async fn order(&self, query: &str) -> Result<String> {
        self.browser.open(&format!("/orders?{query}")).await?;
        let href = self.browser.find("tbody tr a.key").await?.attr("href").await?;
        href.with_context(|| format!("no order with {query}"))
    }

    async fn file(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content)?;
        Ok(path)
    }

    fn must_agree(&self) -> Result<()> {
        let ledgers = self.served.gateways.iter().map(|gateway| gateway.ledger()).collect::<Result<Vec<_>>>()?;
        let rows = compare(&self.served.platform.orders()?, &ledgers);
        let differing: Vec<_> = rows.iter().filter(|row| !row.differences.is_empty()).collect();
        ensure!(differing.is_empty(), "{differing:#?}");
        Ok(())
    }

    /// Sign-in, and three steps to the first approved order.
    async fn first_steps(&self) -> Result<()> {
        self.browser.open("/orders").await?;
        self.accessible().await?;
        self.sign_in(ADMINISTRATOR, "falsch").await?;
        self.browser.wait_for("[role=alert]", "利用者名かパスワードが違います").await?;
        self.sign_in(ADMINISTRATOR, PASSWORD).await?;
        ensure!(self.browser.path().await? == "/start");
        self.accessible().await?;
        self.browser.choose("#start-provider", "atobarai-com").await?;
        for said in ["設定を保存しました", "44件の注文を取り込みました", "与信を実行に成功しました"]
        {
            self.browser.follow(".steps form button").await?;
            self.browser.wait_for("#notices", said).await?;
        }
        self.browser.wait_for(".steps", "与信OKになりました").await?;
        Ok(())
    }

    /// The fee rule is tried and refused at its row; a secret stays where it is.
    async fn settings(&self) -> Result<()> {
        let browser = &self.browser;
        browser.open("/malls/mihon").await?;
        self.accessible().await?;
        let secret = browser.find("input[type=password]").await?;
        ensure!(secret.prop("value").await?.as_deref() == Some(""), "a secret was sent to the browser");
        browser.follow("button[value=test]").await?;
        browser.wait_for("#test-result", "接続できました").await?;
        browser.click("input[name=mode][value=replace]").await?;
        for (field, value) in
            [("#lower-1", "0"), ("#upper-1", "4999"), ("#fee-1", "330"), ("#lower-2", "4000"), ("#fee-2", "0")]
        {
            browser.fill(field, value).await?;
        }
        browser.follow("button[value=save]").await?;
        browser.wait_for("#notices", "保存していません").await?;
        browser.wait_for("#p-band-2", "2行目").await?;
        browser.fill("#lower-2", "5000").await?;
        browser.fill("#try", "3000").await?;
        browser.follow("button[value=try]").await?;
        browser.wait_for("#try-result", "手数料 330円、請求額 3,330円").await?;
        let rows = browser.count(".bands li").await?;
        browser.follow("button[value=row]").await?;
        ensure!(browser.count(".bands li").await? == rows + 1);
        // A secret that was typed stays typed through every other button, unseen.
        browser.fill("input[type=password]", "999").await?;
        browser.follow("button[value=row]").await?;
        browser.wait_for(".hint.unsaved", "まだ保存していません").await?;
        self.accessible().await?;
        let secret = browser.find("input[type=password]").await?;
        ensure!(secret.prop("value").await?.as_deref() == Some(""), "a secret was sent to the browser");
        browser.follow("button[value=test]").await?;
        browser.wait_for("#test-result", "IDまたは接続元が認められませんでした").await?;
        browser.fill("#s-site-id", "678").await?;
        ensure!(browser.text("#test-result").await?.is_empty(), "what a test said is about other values");
        browser.open("/malls/mihon").await?;
        browser.click("input[name=mode][value=replace]").await?;
        browser.follow("button[value=save]").await?;
        browser.wait_for("#notices", "設定を保存しました").await?;
        Ok(())
    }

    /// Every match in one batch, with an answer that is lost on the way.
    async fn batch(&self) -> Result<()> {
        let browser = &self.browser;
        self.served.gateway("atobarai-com")?.plan(LOST)?;
        browser.open("/orders").await?;
        self.accessible().await?;
        browser.click("input[name=scope][value=match]").await?;
        browser.follow("#panel button[value=credit]").await?;
        browser.wait_for("main", "44件の処理が終わりました").await?;
        // The page goes over from progress to results by itself.
        browser.find("#panel").await?;
        self.accessible().await?;
        browser.wait_for(".counts", "不明 1").await?;
        let (ticked, well) = (browser.count("tbody input:checked").await?, browser.count("tbody .state.ok").await?);
        ensure!(ticked > 0 && well > 0, "{ticked} ticked");
        ensure!(browser.text("#ticked-count").await? == ticked.to_string());
        browser.follow(".title a").await?;
        ensure!(browser.count("tbody input:checked").await? == ticked, "what failed stays ticked in the list");
        Ok(())
    }

    /// What was done before is found again.
    async fn batches(&self) -> Result<()> {
        let browser = &self.browser;
        browser.open("/batches").await?;
        self.accessible().await?;
        browser.wait_for("tbody tr:nth-child(1)", "44件の処理が終わりました").await?;
        browser.follow("tbody tr:nth-child(1) a").await?;
        browser.find("#panel").await?;
        Ok(())
    }

    /// The order in which orders are ticked is the order of the result.
    async fn ticks(&self) -> Result<()> {
        let browser = &self.browser;
        browser.open("/orders?state=under_review").await?;
        let ids = [2, 1].map(|at| format!("tbody tr:nth-child({at}) input[name=id]"));
        let mut ticked = Vec::new();
        for id in &ids {
            browser.click(id).await?;
            ticked.push(browser.find(id).await?.attr("value").await?.unwrap_or_default());
        }
        ensure!(browser.text("#ticked-count").await? == "2");
        browser.follow("#panel button[value=check]").await?;
        browser.wait_for("main", "2件の処理が終わりました").await?;
        browser.find("#panel").await?;
        for (at, id) in ticked.iter().enumerate() {
            let href = browser.find(&format!("tbody tr:nth-child({}) a.key", at + 1)).await?.attr("href").await?;
            ensure!(href == Some(format!("/orders/{id}")), "{href:?} where {id} was ticked");
        }
        Ok(())
    }

    /// One order through every button: in its row, without leaving the list, and on its own page.
    async fn buttons(&self) -> Result<()> {
        let browser = &self.browser;
        // 審査中: asked in the row, which is drawn anew.
        browser.open("/orders?state=under_review").await?;
        browser.click("tbody tr form[action$=check] button").await?;
        browser.wait_for("#notices", "与信結果確認").await?;
        // 与信OK: tracking, sync, nothing left to do.
        let approved = self.order("state=approved").await?;
        browser.open(&approved).await?;
        self.accessible().await?;
        browser.choose("#t-carrier", "yamato").await?;
        browser.fill("#t-number", "1234-5678-9012").await?;
        browser.follow("#tracking button").await?;
        browser.wait_for("#notices", "伝票番号を保存しました").await?;
        browser.follow("form[action$=sync] button").await?;
        browser.wait_for("#notices", "伝票番号同期に成功しました").await?;
        browser.wait_for("h1 + .state", "[伝票番号同期OK]").await?;
        ensure!(browser.count("main form[action*=actions]").await? == 0);
        // Another one: cancelled, then asked for again under a new reference.
        let approved = self.order("state=approved").await?;
        browser.open(&approved).await?;
        browser.accept_questions().await?;
        browser.click("form[action$=cancel] button").await?;
        browser.wait_for("#notices", "与信キャンセルに成功しました").await?;
        browser.follow("form[action$=credit] button").await?;
        browser.wait_for("#notices", "与信を実行に成功しました").await?;
        // 与信NG: the provider's own words, and the button to try again.
        browser.open(&self.order("state=rejected").await?).await?;
        browser.wait_for("main", "後払い会社の回答").await?;
        browser.find("form[action$=credit] button").await?;
        // 受注ステータス is the shop's own word.
        browser.fill("#o-status", "要連絡").await?;
        browser.follow("#status button").await?;
        browser.wait_for("#notices", "受注ステータスを保存しました").await?;
        Ok(())
    }

    /// An order that was rejected is corrected on its page, and credited under a new reference.
    async fn correct(&self) -> Result<()> {
        let browser = &self.browser;
        let order = self.order("state=rejected").await?;
        browser.open(&order).await?;
        browser.wait_for("main", "[注文を直す]").await?;
        browser.follow("a.button[href$='/edit']").await?;
        browser.wait_for("h1", "注文を直す").await?;
        self.accessible().await?;
        // A number without its area code is refused at its field, and stays there.
        browser.fill("[name='buyer.phone']", "3-1234").await?;
        browser.follow("main form p.buttons button").await?;
        browser.wait_for("#notices", "保存していません").await?;
        browser.wait_for("[id='p-buyer.phone']", "電話番号").await?;
        ensure!(browser.ask("return document.querySelector(\"[name='buyer.phone']\").value").await? == "3-1234");
        browser.follow("button[value=add]").await?;
        browser.fill("[name='buyer.phone']", "０９０－１２３４－５６７８").await?;
        let last = "fieldset.line:last-of-type";
        browser.fill(&format!("{last} [name$='.name']"), "ラッピング").await?;
        browser.fill(&format!("{last} [name$='unit-price']"), "300").await?;
        browser.fill(&format!("{last} [name$='quantity']"), "1").await?;
        browser.follow("main form p.buttons button").await?;
        browser.wait_for("#notices", "を直しました").await?;
        browser.wait_for(".timeline", "注文者の電話番号").await?;
        browser.wait_for("main", "ラッピング").await?;
        browser.follow("form[action$=credit] button").await?;
        browser.wait_for("h1 + .state", "[与信OK]").await?;
        ensure!(browser.count("a[href$='/edit']").await? == 0, "what the provider holds is not corrected");
        Ok(())
    }

    /// Many credits are cancelled only after a page has said what it is about.
    async fn confirm(&self) -> Result<()> {
        let browser = &self.browser;
        browser.open("/orders?state=approved").await?;
        browser.click("tbody tr:nth-child(1) input[name=id]").await?;
        browser.click("tbody tr:nth-child(2) input[name=id]").await?;
        browser.follow("#panel button[value=cancel]").await?;
        browser.wait_for("h1", "確認: 与信キャンセル").await?;
        browser.wait_for("dl.facts", "2件").await?;
        browser.wait_for("table", "後払い.com").await?;
        self.accessible().await?;
        browser.follow("#confirm a.button").await?;
        ensure!(browser.count("tbody input:checked").await? == 2, "the way back loses the ticks");
        browser.follow("#panel button[value=cancel]").await?;
        browser.follow("#confirm button.danger").await?;
        browser.wait_for("main", "2件の処理が終わりました").await?;
        browser.find("#panel").await?;
        browser.wait_for(".counts", "成功 2").await?;
        Ok(())
    }

    /// A form that somebody else was faster with is refused, and does nothing.
    async fn stale(&self) -> Result<()> {
        let browser = &self.browser;
        let order = self.order("state=approved").await?;
        browser.open(&order).await?;
        let script = "const form = document.querySelector('form[action$=invoice],form[action$=tracking]');\
                      form.querySelector('[name=version]').value = '0';\
                      document.querySelector('#t-carrier').value = 'sagawa';\
                      document.querySelector('#t-number').value = '1'; return form.action";
        browser.ask(script).await?;
        browser.follow("#tracking button").await?;
        browser.wait_for("#notices", "画面を開いたあとに変更されました").await?;
        ensure!(browser.text("main").await?.contains("伝票番号を保存"), "tracking is still open");
        Ok(())
    }

    /// The answer that was lost: the operator's record needs a note; asking finds it.
    async fn unknown(&self) -> Result<()> {
        let browser = &self.browser;
        let order = self.order("state=unknown").await?;
        browser.open(&order).await?;
        self.accessible().await?;
        browser.ask("document.querySelector('#decide-note').required = false; return 0").await?;
        browser.click("input[name=found][value=nothing]").await?;
        browser.follow("#decide button").await?;
        browser.wait_for("#notices", "メモを入力してください").await?;
        browser.follow("form[action$=check] button").await?;
        browser.wait_for("h1 + .state", "[与信OK]").await?;
        browser.wait_for(".timeline", "与信結果を確認").await?;
        Ok(())
    }

    /// A mall at 後払い.com.
    async fn new_mall(&self, id: &str, name: &str) -> Result<()> {
        let browser = &self.browser;
        browser.open("/malls/new?provider=atobarai-com").await?;
        let gateway = self.served.gateway("atobarai-com")?.origin.clone();
        for (field, value) in [
            ("#mall-id", id),
            ("#mall-name", name),
            ("#s-base-url", &gateway),
            ("#s-enterprise-id", "12345"),
            ("#s-site-id", "678"),
            ("#s-api-user-id", "90"),
        ] {
            browser.fill(field, value).await?;
        }
        browser.follow("button[value=save]").await?;
        browser.wait_for("#notices", "設定を保存しました").await?;
        Ok(())
    }

    /// An order file is tried before it is taken in, and a result by CSV excludes the API.
    async fn csv(&self) -> Result<()> {
        let browser = &self.browser;
        self.new_mall("csv", "CSV店").await?;
        browser.click("input[name=by_csv]").await?;
        browser.follow("button[value=save]").await?;
        browser.wait_for("#notices", "設定を保存しました").await?;
        browser.open("/import").await?;
        self.accessible().await?;
        browser.choose("#i-mall", "csv").await?;
        browser.upload("#i-file", &sample("orders-sjis.csv")).await?;
        browser.follow("button[value=try]").await?;
        browser.wait_for("#h-result ~ div", "まだ何も取り込んでいません").await?;
        self.accessible().await?;
        browser.follow("button[value=held]").await?;
        browser.wait_for("#h-result ~ div", "44件を取り込みました").await?;
        // How orders are paid makes the import ask; what is ticked is taken.
        browser.open("/import").await?;
        browser.choose("#i-mall", "csv").await?;
        browser.upload("#i-file", &sample("../service/tests/csv/paid-by-card-and-cancelled.csv")).await?;
        browser.follow("button[value=import]").await?;
        browser.wait_for("#h-question ~ div", "支払方法").await?;
        self.accessible().await?;
        browser.click("input[value='支払方法=後払い決済']").await?;
        browser.follow("#h-question ~ form button[value=import]").await?;
        browser.wait_for("#h-result ~ div", "1件を取り込みました").await?;
        let results = self
            .file(
                "results.csv",
                "注文番号,与信結果,与信理由\r\nG20261111-044,OK,\r\nG20261101-001,NG,電話番号の誤り\r\n",
            )
            .await?;
        browser.open("/import").await?;
        browser.choose("#i-mall", "csv").await?;
        browser.click("input[name=what][value=results]").await?;
        browser.upload("#i-file", &results).await?;
        browser.follow("button[value=import]").await?;
        browser.wait_for("#h-result ~ div", "2件を取り込みました").await?;
        browser.open(&self.order("mall=csv&q=G20261111-044").await?).await?;
        browser.wait_for("main", "CSVで受け取りました").await?;
        ensure!(browser.count("form[action$=credit]").await? == 0, "与信を実行 is offered for a result by CSV");
        browser.open("/orders?mall=csv").await?;
        ensure!(browser.count("button[value=credit], form[action$=credit]").await? == 0, "与信を実行 is offered");
        Ok(())
    }

    /// A mapping is made with a sample: recognised, previewed at every change, saved.
    async fn mapping(&self) -> Result<()> {
        let browser = &self.browser;
        self.new_mall("moru", "書き出し店").await?;
        browser.follow("a[href='/malls/moru/mapping']").await?;
        self.accessible().await?;
        // The page draws itself anew as soon as a file is chosen.
        browser.upload("#sample", &export("rakuten")).await?;
        browser.wait_for(".offer", "楽天市場").await?;
        self.accessible().await?;
        browser.follow(".offer button").await?;
        let said = browser.wait_for("#preview", "300001-20261120-00011").await?;
        ensure!(said.contains("7,530") && said.contains("試験 太郎"), "{said}");
        browser.choose(ITEM_NAME, "0:商品ID").await?;
        browser.find(&format!("{ITEM_NAME} option[value='0:商品ID'][selected]")).await?;
        browser.wait_for(".panel", "まだ保存していません").await?;
        let at = browser.ask("return document.activeElement.id").await?;
        ensure!(at == "c.27.0", "the keyboard is at {at} after a change of the table");
        let text = browser.ask("return document.querySelector('#mapping-text').value").await?;
        ensure!(text.as_str().is_some_and(|text| text.contains("\"商品名\" = \"商品ID\"")), "{text}");
        // The text changes the table as the table changes the text.
        self.type_mapping("preset = \"rakuten\"\n").await?;
        browser.find(&format!("{ITEM_NAME} option[value='0:商品名'][selected]")).await?;
        self.type_mapping("preset = \"rakuten\"\n[colums]\n").await?;
        browser.wait_for("#p-text", "colums").await?;
        self.accessible().await?;
        browser.follow(".panel button[value=save]").await?;
        browser.wait_for("#notices", "保存していません").await?;
        self.type_mapping("preset = \"rakuten\"\n").await?;
        browser.find(ITEM_NAME).await?;
        browser.follow(".panel button[value=save]").await?;
        browser.wait_for("#notices", "列の対応を保存しました").await?;
        self.accessible().await?;
        browser.resize(480, 900).await?;
        let overflow = browser.ask("return document.documentElement.scrollWidth > innerWidth").await?;
        ensure!(overflow == false, "the mapping is wider than 480 px");
        browser.resize(1440, 900).await
    }

    /// Types a mapping and leaves its field, at which the page draws itself anew.
    async fn type_mapping(&self, text: &str) -> Result<()> {
        let script = "const field = document.querySelector('#mapping-text'); field.value = TEXT;\
                      field.dispatchEvent(new Event('change', { bubbles: true })); return 0";
        self.browser.ask(&script.replace("TEXT", &format!("{text:?}"))).await.map(drop)
    }

    /// An export that another format reads is recognised, shown as it would be imported, and imported.
    async fn exports(&self) -> Result<()> {
        for (id, name) in EXPORTS {
            self.export(id, name).await.with_context(|| id.to_owned())?;
        }
        Ok(())
    }

    async fn export(&self, id: &str, name: &str) -> Result<()> {
        let browser = &self.browser;
        browser.open("/import").await?;
        browser.choose("#i-mall", "moru").await?;
        browser.upload("#i-file", &export(id)).await?;
        browser.follow("button[value=import]").await?;
        browser.wait_for("#h-offer ~ form", name).await?;
        browser.find(".order-preview .sum").await?;
        self.accessible().await?;
        browser.follow(&format!("form:has([name=adopt][value='{id}']) button[value=import]")).await?;
        // How orders are paid makes the import ask, once for each column that may say so.
        while browser.count("#h-question").await? > 0 {
            browser
                .ask("document.querySelectorAll('[name^=\"take.\"]').forEach((box) => (box.checked = true)); return 0")
                .await?;
            browser.follow("#h-question ~ form button[value=import]").await?;
        }
        let said = browser.wait_for("#h-result ~ div", "件を取り込みました").await?;
        ensure!(!said.contains(" 0件を取り込みました") && !said.starts_with("0件"), "{said}");
        Ok(())
    }

    /// Orders that wait when the automation is switched on are not sent unless somebody says so.
    async fn backlog(&self) -> Result<()> {
        let browser = &self.browser;
        browser.open("/malls/csv").await?;
        browser.click("input[name=by_csv]").await?;
        browser.click("input[name=credit][value=at_once]").await?;
        browser.follow("button[value=save]").await?;
        // The others are those of the other mall, it seems: nothing sends them by itself.
        browser.wait_for("dl.facts", "5件").await?;
        self.accessible().await?;
        browser.follow("button[value=draw]").await?;
        ensure!(
            browser.find("input[name=credit][value=at_once]").await?.prop("checked").await?.as_deref() == Some("true")
        );
        browser.follow("button[value=save]").await?;
        browser.follow("button[value=hold]").await?;
        browser.wait_for("#notices", "設定を保存しました").await?;
        browser.wait_for("#h-auto ~ .notice", "43件は、自動では送信しません").await?;
        self.accessible().await?;
        Ok(())
    }

    /// Where the server does not answer, no earlier success stays on the page.
    async fn unreachable(&mut self) -> Result<()> {
        self.served.gateway("atobarai-com")?.clear_faults()?;
        self.served.gateway("atobarai-com")?.plan(SLOW)?;
        let browser = &self.browser;
        browser.open("/orders?state=under_review").await?;
        browser.accept_questions().await?;
        browser.click("tbody tr form[action$=cancel] button").await?;
        browser.wait_for("#notices .ok", "succeeded").await?;
        // Another window follows a batch whose gateway takes its time.
        browser.open_window().await?;
        browser.open("/orders?state=rejected").await?;
        browser.click("#tick-all").await?;
        browser.follow("#panel button[value=credit]").await?;
        browser.find("#line").await?;
        self.served.kill()?;
        browser.wait_for("#line .notice", "connection to the server is lost").await?;
        browser.first_window().await?;
        browser.wait_for("#notices .ok", "succeeded").await?;
        browser.click("tbody tr form button").await?;
        let said = browser.wait_for("#notices .notice", "cannot be reached").await?;
        ensure!(browser.count("#notices .ok").await? == 0, "{said}");
        ensure!(browser.count("#notices p").await? == 1, "{said}");
        Ok(())
    }

    /// A component that does not serve is refused with its reason; what was loaded stays.
    async fn providers(&self) -> Result<()> {
        let browser = &self.browser;
        browser.open("/providers").await?;
        self.accessible().await?;
        ensure!(browser.count("section.card h2 code, section.card h2 .code").await? == 5);
        let component = self.file("broken.wasm", "not a component").await?;
        let permissions = self.file("broken.toml", "provider = \"np\"\norigins = []\n").await?;
        browser.upload("#component", &component).await?;
        browser.upload("#permissions", &permissions).await?;
        browser.follow("#load button").await?;
        browser.wait_for("[role=alert]", "読み込みを拒否しました").await?;
        let good = self.folder.path().join("plugins/np.wasm");
        browser.upload("#component", &good).await?;
        browser.upload("#permissions", &good.with_extension("toml")).await?;
        browser.follow("#load button").await?;
        browser.wait_for("#notices", "np を入れ替えました").await?;
        let elsewhere = "provider = \"np\"\norigins = [\"https://elsewhere.example.jp\"]\n";
        let elsewhere = self.file("elsewhere.toml", elsewhere).await?;
        browser.upload("#component", &good).await?;
        browser.upload("#permissions", &elsewhere).await?;
        browser.follow("#load button").await?;
        browser.wait_for("#confirm", "https://elsewhere.example.jp").await?;
        self.accessible().await?;
        browser.follow("#confirm a").await?;
        ensure!(!browser.text("main").await?.contains("elsewhere.example.jp"), "replaced without a yes");
        // Another process puts a newer one on the shelf; this one serves it soon.
        let next = self.served.platform.another_build(&good)?;
        let said = self.served.platform.must(["plugin", "load", &next.to_string_lossy()])?;
        let digest = said.split_whitespace().nth(2).context("no digest")?;
        let began = Instant::now();
        while !browser.text("main").await?.contains(digest) {
            ensure!(began.elapsed() < PATIENCE, "the new plugin was never served");
            browser.open("/providers").await?;
        }
        browser.open("/audit").await?;
        self.accessible().await?;
        ensure!(browser.text("tbody tr:nth-child(1)").await?.contains(digest));
        ensure!(browser.text("tbody").await?.contains("モール csv を追加"));
        Ok(())
    }

    /// An operator sees no settings; whoever signs out is out.
    async fn roles(&self) -> Result<()> {
        let browser = &self.browser;
        browser.open("/users").await?;
        self.accessible().await?;
        browser.open("/account").await?;
        self.accessible().await?;
        browser.follow("form[action='/signout'] button").await?;
        browser.open("/orders").await?;
        ensure!(browser.path().await?.starts_with("/signin"));
        self.sign_in(OPERATOR, PASSWORD).await?;
        for path in ["/malls/mihon", "/users", "/audit"] {
            browser.open(path).await?;
            browser.wait_for("main", "管理者だけができます").await?;
        }
        ensure!(browser.count("a[href='/users']").await? == 0);
        Ok(())
    }

    /// The narrow page, the other language, the page without its script.
    async fn everywhere(&self) -> Result<()> {
        let browser = &self.browser;
        browser.open("/orders").await?;
        browser.follow("form[action='/language'] button").await?;
        browser.wait_for("h1", "Orders").await?;
        self.accessible().await?;
        let order = self.order("state=approved").await?;
        browser.resize(390, 844).await?;
        browser.open(&order).await?;
        self.accessible().await?;
        let overflow = browser.ask("return document.documentElement.scrollWidth > innerWidth").await?;
        ensure!(overflow == false, "the order page is wider than 390 px");
        Ok(())
    }

    async fn live(&mut self) -> Result<()> {
        self.first_steps().await.context("first steps")?;
        self.settings().await.context("settings")?;
        self.batch().await.context("batch")?;
        self.batches().await.context("batches")?;
        self.ticks().await.context("ticks")?;
        self.buttons().await.context("buttons")?;
        self.correct().await.context("correct")?;
        self.confirm().await.context("confirm")?;
        self.stale().await.context("stale form")?;
        self.unknown().await.context("unknown outcome")?;
        self.csv().await.context("CSV")?;
        self.mapping().await.context("mapping")?;
        self.exports().await.context("exports")?;
        self.backlog().await.context("backlog")?;
        self.providers().await.context("providers")?;
        self.roles().await.context("roles")?;
        self.everywhere().await.context("everywhere")?;
        self.must_agree().context("ledgers")?;
        self.unreachable().await.context("unreachable")
    }
}

async fn whole_day(db: Option<String>) {
    let mut day = Day::begin(db).await.unwrap();
    let lived = day.live().await;
    if lived.is_err() {
        let _ = day.browser.picture(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("page-failed.png"), 4_000).await;
    }
    lived.unwrap();
    day.browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_on_sqlite() {
    whole_day(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_on_postgresql() {
    whole_day(Some(test_postgres::Cluster::shared().database().unwrap())).await;
}
