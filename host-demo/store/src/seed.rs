//! Orders for trying the platform at size: as if they had been taken in and judged over two years. All
//! people are invented.

use crate::counters::StateCounts;
use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::orders::{InsertedOrder, NewOrder, insert};
use crate::reference::reference;
use crate::sql::take_numbers;
use crate::wide::write_rows;
use domain::credit_state::State;
use domain::mall::Mall;
use domain::order::{Amounts, Item, OrderData, Person};
use time::macros::datetime;
use time::{Duration, PrimitiveDateTime};

/// Orders in one transaction: long enough to be fast, short enough to show progress.
const AT_ONCE: usize = 10_000;
/// The first order's time, and from one to the next: a million orders come to two years.
const BEGIN: PrimitiveDateTime = datetime!(2024-07-01 00:00);
const PACE: Duration = Duration::seconds(63);

/// Of a hundred orders, how many are in which state: what a shop's list looks like after some time.
const STATES: [(State, usize); 8] = [
    (State::Synced, 78),
    (State::Approved, 12),
    (State::Rejected, 3),
    (State::Cancelled, 2),
    (State::NotAsked, 2),
    (State::UnderReview, 1),
    (State::OnHold, 1),
    (State::Unknown, 1),
];

const FAMILIES: [&str; 16] = [
    "佐藤",
    "鈴木",
    "高橋",
    "田中",
    "伊藤",
    "渡辺",
    "山本",
    "中村",
    "小林",
    "加藤",
    "吉田",
    "山田",
    "佐々木",
    "見本",
    "試作",
    "仮名",
];
const GIVEN: [&str; 12] = ["花子", "太郎", "一郎", "次郎", "桜", "葵", "陽菜", "蓮", "湊", "結衣", "芽依", "大翔"];
const GOODS: [&str; 6] = ["茶碗", "湯呑み", "急須", "大皿", "箸置き", "風呂敷"];

impl Store {
    /// Adds `count` orders to `mall`; `progress` is called with how many there are so far. The numbers begin with
    /// `SEED-` and go on where an earlier call ended.
    pub async fn seed(&self, mall: &Mall, count: usize, progress: impl Fn(usize)) -> Result<()> {
        let there: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM orders WHERE mall = $1")
            .bind(&mall.id)
            .fetch_one(self.pool()?)
            .await?;
        let mut done = 0;
        while done < count {
            let more = AT_ONCE.min(count - done);
            self.seed_some(mall, usize::try_from(there).unwrap_or(0) + done, more).await?;
            done += more;
            progress(done);
        }
        Ok(())
    }

    async fn seed_some(&self, mall: &Mall, from: usize, count: usize) -> Result<()> {
        let mut tx = self.write().await?;
        let first = take_numbers(&mut tx, "order", count).await?;
        let mut counts = StateCounts::starting_with(Some(first));
        let orders: Vec<NewOrder> = (from..from + count).map(order).collect();
        let rows: Vec<_> =
            (first..).zip(&orders).map(|(id, order)| InsertedOrder { id, order, due_at: None }).collect();
        insert(&mut tx, mall, &rows).await?;
        let states: Vec<_> = (first..).zip(from..from + count).map(|(id, at)| (id, at, state(at))).collect();
        for (_, _, state) in &states {
            counts.add(&mall.id, &mall.provider, *state, 1);
        }
        self.set_states(&mut tx, mall, &states).await?;
        counts.write(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Registers those orders that were asked about and brings them to their states, with a tracking number where the
    /// state has one.
    async fn set_states(&self, tx: &mut WriteTransaction, mall: &Mall, orders: &[(i64, usize, State)]) -> Result<()> {
        let asked: Vec<_> = orders.iter().filter(|(_, _, state)| *state != State::NotAsked).collect();
        let sql = "INSERT INTO registrations (reference, order_id, account, attempt, billed, sends, transaction_id) \
                   VALUES {rows}";
        write_rows(tx, sql, &asked, |row, (id, _, state)| {
            row.add(reference(&self.prefix, *id, 1))?.add(*id)?.add(mall.account)?.add(1_i64)?.add(1_000_i64)?;
            row.add(1_i64)?.add((*state != State::Unknown).then(|| format!("S{id}")))?;
            Ok(())
        })
        .await?;
        let sql = "WITH v (id, state, reference, carrier, tracking_number, shipped_on) AS (VALUES {rows}) \
                   UPDATE orders SET state = v.state, reference = v.reference, carrier = v.carrier, \
                   tracking_number = v.tracking_number, shipped_on = v.shipped_on FROM v WHERE orders.id = v.id";
        write_rows(tx, sql, &asked, |row, (id, at, state)| {
            let tracked = *state == State::Synced || (*state == State::Approved && at.is_multiple_of(2));
            row.add(*id)?.add(state.to_string())?.add(reference(&self.prefix, *id, 1))?;
            row.add(tracked.then_some("yamato"))?.add(tracked.then(|| format!("{:012}", 400_000_000_000 + *at)))?;
            row.add(tracked.then_some("2026-07-01"))?;
            Ok(())
        })
        .await
    }
}

/// States come mixed, as they do in a list: neighbours are far apart in the table of states.
fn state(at: usize) -> State {
    let mut percentile = at * 37 % 100;
    for (state, share) in STATES {
        if percentile < share {
            return state;
        }
        percentile -= share;
    }
    State::NotAsked
}

fn order(at: usize) -> NewOrder {
    let pick = |from: &[&str], step: usize| from.get(at / step % from.len()).copied().unwrap_or_default().to_owned();
    let billed = 1_000 + (at % 97) as i64 * 100;
    let buyer = Person {
        name: format!("{} {}", pick(&FAMILIES, 1), pick(&GIVEN, 16)),
        postal_code: "1000001".into(),
        prefecture: "東京都".into(),
        city: "千代田区".into(),
        street: "千代田1-1".into(),
        phone: "03-0000-0000".into(),
        ..Person::default()
    };
    let items = vec![Item { name: pick(&GOODS, 1), unit_price: billed, quantity: 1, tax_rate: Some(10) }];
    let ordered_at = BEGIN + PACE * at as i32;
    NewOrder {
        number: format!("SEED-{at:08}"),
        data: OrderData { ordered_at, buyer, recipient: None, items, invoice: None, note: None },
        amounts: Amounts { goods: billed, shipping_fee: 0, imported_fee: 0, payment_fee: 0, billed, fee_band: None },
        order_status: None,
        problem: None,
    }
}
