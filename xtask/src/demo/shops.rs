//! The malls of the demo, as data: whose plugin each uses, which orders it exports, and what happens.

/// A mall, its provider and its orders.
pub struct Shop {
    /// The mall's id on the platform.
    pub mall: &'static str,
    /// The provider's id.
    pub provider: &'static str,
    /// The CSV file that the mall exported.
    pub orders: &'static str,
    /// As many of its orders go first, by themselves: where many are in one request, one lost answer leaves them all in
    /// doubt, and three are enough to show it.
    pub first: usize,
    /// The answer that gets lost on purpose: the fault that costs money elsewhere.
    pub lost_answer: &'static str,
    /// One answer of so many fails where a fault is chosen. NP takes a whole day's orders in one request,
    /// so more of its few do; but not every other one, or a question that is answered would always be
    /// followed by a request that is not.
    pub fault_rate: usize,
    /// A lost registration cannot be asked for: an operator looks at the provider's own page.
    pub needs_operator: bool,
    /// A tracking number for each of these carriers, by the first approved orders.
    pub tracking: &'static [(&'static str, &'static str)],
    /// A carrier that the provider does not report.
    pub unsupported_carrier: &'static str,
}

/// The day on which the sample's orders were made. The demo makes them today's, because クロネコ takes no
/// shipping date that is more than 90 days away.
pub const SAMPLE_DAY: &str = "2026/11/20";

/// All malls. The first imports more than 40 orders.
pub const SHOPS: [Shop; 5] = [
    Shop {
        mall: "honten",
        provider: "atobarai-com",
        orders: "orders-sjis.csv",
        first: 0,
        lost_answer: "drop-answer@order:nth=7",
        fault_rate: 5,
        needs_operator: false,
        tracking: &[
            ("ヤマト運輸", "123456789012"),
            ("佐川急便", "401234567890"),
            ("日本郵便", "112233445566"),
            ("ゆうパック", "334455667788"),
            ("西濃運輸", "5012345678"),
            ("福山通運", "6012345678"),
            ("名鉄運輸", "7012345678"),
        ],
        unsupported_carrier: "赤帽",
    },
    Shop {
        mall: "minami",
        provider: "np",
        orders: "orders-np.csv",
        first: 3,
        lost_answer: "drop-answer@transactions:nth=1",
        fault_rate: 3,
        needs_operator: true,
        tracking: &[("佐川急便", "401234567801"), ("エコ配", "EC-20261120-1"), ("トナミ運輸", "9012345678")],
        unsupported_carrier: "日本郵便",
    },
    Shop {
        mall: "kita",
        provider: "atodene",
        orders: "orders-atodene.csv",
        first: 0,
        lost_answer: "drop-answer@transaction:nth=3",
        fault_rate: 5,
        needs_operator: true,
        tracking: &[("セイノースーパーエクスプレス", "30123456"), ("郵便書留", "15123456789")],
        unsupported_carrier: "日本郵便",
    },
    Shop {
        mall: "nishi",
        provider: "score",
        orders: "orders-score.csv",
        first: 0,
        lost_answer: "drop-answer@autotransaction:nth=3",
        fault_rate: 5,
        needs_operator: true,
        tracking: &[("セイノースーパーエクスプレス", "17-123456"), ("日本通運", "1312-345678")],
        unsupported_carrier: "日本郵便",
    },
    Shop {
        mall: "higashi",
        provider: "kuroneko",
        orders: "orders-kuroneko.csv",
        first: 0,
        lost_answer: "drop-answer@kaara:nth=3",
        fault_rate: 5,
        needs_operator: false,
        // The last digit of a Yamato number is the rest of the others divided by seven.
        tracking: &[("ヤマト運輸", "100000000015"), ("新潟運輸", "201234567")],
        unsupported_carrier: "赤帽",
    },
];

/// The mall of the provider that is invented for the examples.
pub const EXAMPLE: [Shop; 1] = [Shop {
    mall: "rei",
    provider: "example-pay",
    orders: "orders-example-pay.csv",
    first: 0,
    lost_answer: "drop-answer@register:nth=3",
    fault_rate: 5,
    needs_operator: false,
    tracking: &[("ヤマト運輸", "123456789013"), ("佐川急便", "401234567801"), ("日本郵便", "112233445566")],
    unsupported_carrier: "西濃運輸",
}];

/// The states that the job with [`EXAMPLE`] has to lead some order to.
pub const REACHED: [&str; 4] = ["approved", "rejected", "cancelled", "synced"];

/// The mall that leaves 後払い.com for NP, with what it exported before and after.
pub const MOVING: &str = "iten";
/// Its provider at first, and its provider in the end: places in [`SHOPS`].
pub const MOVES: (usize, usize) = (0, 1);
/// The CSV files of the two times.
pub const MOVING_ORDERS: (&str, &str) = ("orders-moving-1.csv", "orders-moving-2.csv");

/// Every way in which a gateway can fail while credits, questions, cancels and tracking go on. The rate
/// leaves some requests whole, so that both ways are taken in one run.
pub const FAULTS: [&str; 17] = [
    "accept-close",
    "read-close",
    "drop-answer",
    "http-500",
    "http-502",
    "http-503",
    "http-429",
    "cut-body",
    "slow-body",
    "huge-body",
    "wrong-charset",
    "other-reference",
    "other-amount",
    "unknown-code",
    "address-refused",
    "system-failure",
    "maintenance",
];
