//! Orders for trying the platform at size: as if they had been taken in and judged over two years. All
//! people are invented.

use crate::counters::StateCounts;
use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::orders::{InsertedOrder, NewOrder, insert};
use crate::reference::reference;
use crate::sql::take_numbers;
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
            .fetch_one(&self.pool)
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
        for (id, at) in (first..).zip(from..from + count) {
            let state = state(at);
            if state != State::NotAsked {
                self.set_state(&mut tx, id, mall, state, at).await?;
            }
            counts.add(&mall.id, &mall.provider, state, 1);
        }
        counts.write(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Registers an order and brings it to `state`, with a tracking number where the state has one.
    async fn set_state(&self, tx: &mut WriteTransaction, id: i64, mall: &Mall, state: State, at: usize) -> Result<()> {
        let reference = reference(&self.prefix, id, 1);
        let known = state != State::Unknown;
        sqlx::query(
            "INSERT INTO registrations (reference, order_id, account, attempt, billed, sends, transaction_id) \
             VALUES ($1, $2, $3, 1, 1000, 1, $4)",
        )
        .bind(&reference)
        .bind(id)
        .bind(mall.account)
        .bind(known.then(|| format!("S{id}")))
        .execute(&mut **tx)
        .await?;
        let tracked = state == State::Synced || (state == State::Approved && at.is_multiple_of(2));
        sqlx::query(
            "UPDATE orders SET state = $1, reference = $2, carrier = $3, tracking_number = $4, shipped_on = $5 \
             WHERE id = $6",
        )
        .bind(state.to_string())
        .bind(reference)
        .bind(tracked.then_some("yamato"))
        .bind(tracked.then(|| format!("{:012}", 400_000_000_000 + at)))
        .bind(tracked.then_some("2026-07-01"))
        .bind(id)
        .execute(&mut **tx)
        .await?;
        Ok(())
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
    }
}
