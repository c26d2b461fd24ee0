//! The table of states: every cell of it, what each state shows and offers, and the proof that no path
//! through it leads to a second live credit.

mod common;

use common::golden;
use domain::credit_state::{Action, ActionContext, Event, State, next};
use domain::lang::Lang;
use service::messages::localize::Localize;
use std::collections::{HashSet, VecDeque};
use std::fmt::Write;
use strum::VariantArray;

#[test]
fn every_cell_of_the_table() {
    let mut cells = String::new();
    for state in State::VARIANTS {
        for event in Event::VARIANTS {
            let to = next(*state, *event).map_or("-".to_owned(), |to| to.to_string());
            writeln!(cells, "{state:24} {event:20} {to}", state = state.to_string(), event = event.to_string())
                .unwrap();
        }
    }
    golden("transitions.txt", &cells);
}

#[test]
fn what_every_state_shows_and_offers() {
    let mut faces = String::new();
    for state in State::VARIANTS {
        let situations = [("", false, false), ("+tracking", true, false), ("+problem", false, true)];
        for (name, tracking_entered, problem) in situations {
            let actions = state.actions(ActionContext { tracking_entered, problem, ..ActionContext::default() });
            let actions: Vec<_> = actions.map(|action| format!("[{}]", action.localized(Lang::Ja))).collect();
            let (ja, en) = (state.localized(Lang::Ja), state.localized(Lang::En));
            writeln!(faces, "{state}{name} | {ja} | {en} | {}", actions.join(" ")).unwrap();
        }
    }
    golden("faces.txt", &faces);
}

#[test]
fn every_offered_action_can_begin() {
    for state in State::VARIANTS {
        for action in RULES.offers(*state) {
            let begins = match action {
                Action::Credit => Event::CreditStarted,
                Action::Cancel => Event::CancelStarted,
                Action::Sync => Event::SyncStarted,
                Action::Check => Event::CheckNoNews,
                Action::Decide => match state {
                    State::Unknown => Event::OperatorNothing,
                    State::CancelUnknown => Event::OperatorCancelled,
                    _ => Event::OperatorTracked,
                },
            };
            assert!(next(*state, begins).is_some(), "{state} offers {action}");
        }
    }
}

#[test]
fn a_claim_ends_unknown_when_its_process_dies_and_offers_nothing_before() {
    let claimed: Vec<_> = State::VARIANTS.iter().filter(|state| state.is_claimed()).collect();
    assert_eq!(claimed.len(), 7);
    for state in claimed {
        assert!(next(*state, Event::ProcessDied).is_some_and(State::is_unknown), "{state}");
        assert_eq!(RULES.offers(*state), [], "{state}");
        assert!(!state.tracking_open(), "{state}: entering tracking would end the claim's compare-and-set");
    }
}

/// What the gateway holds under the order's current reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Held {
    Nothing,
    UnderReview,
    OnHold,
    Approved,
    Tracked,
    /// Rejected or cancelled.
    Dead,
}

impl Held {
    fn live(self) -> bool {
        !matches!(self, Self::Nothing | Self::Dead)
    }
}

/// The order here, the truth there, and what is still on its way although nobody waits for it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct World {
    state: State,
    held: Held,
    /// Live registrations besides the current one. The rule of the project is that there is never one.
    others_live: u8,
    credit_on_the_way: bool,
    cancel_on_the_way: bool,
    sync_on_the_way: bool,
}

/// The rules under test, and broken ones to show that the test would notice.
#[derive(Clone, Copy)]
struct Rules {
    next: fn(State, Event) -> Option<State>,
    also_offered: Option<(State, Action)>,
    keeps_reference: fn(State) -> bool,
    /// "It is not there" is believed only when nothing can be on its way.
    settles: bool,
    /// A verdict is believed to mean "not cancelled", though the provider never tells of cancels.
    believes_the_blind: bool,
}

const RULES: Rules = Rules {
    next,
    also_offered: None,
    keeps_reference: State::keeps_reference,
    settles: true,
    believes_the_blind: false,
};

impl Rules {
    fn offers(&self, state: State) -> Vec<Action> {
        let all = ActionContext { tracking_entered: true, problem: true, ..ActionContext::default() };
        let also = self.also_offered.filter(|(of, _)| *of == state).map(|(_, action)| action);
        state.actions(all).chain(also).collect()
    }

    /// Every world that can follow `world`: by a person, a process that dies, a network that loses, a
    /// gateway that makes up its mind.
    fn following(&self, world: World) -> Vec<World> {
        let mut worlds = Vec::new();
        for action in self.offers(world.state) {
            match action {
                Action::Credit => self.credit(world, &mut worlds),
                Action::Check => self.check(world, &mut worlds),
                Action::Cancel => self.cancel(world, &mut worlds),
                Action::Sync => self.sync(world, &mut worlds),
                Action::Decide => self.decide(world, &mut worlds),
            }
        }
        self.csv(world, &mut worlds);
        worlds.extend(arrivals(world));
        worlds.extend(verdicts(world.held).iter().map(|held| World { held: *held, ..world }));
        worlds
    }

    fn credit(&self, world: World, worlds: &mut Vec<World>) {
        let Some(sending) = (self.next)(world.state, Event::CreditStarted) else { return };
        // Under a new reference, what is live under the old one is live besides it.
        let kept = (self.keeps_reference)(world.state);
        let others_live = world.others_live + u8::from(!kept && world.held.live());
        let held = if kept { world.held } else { Held::Nothing };
        // A cancel or a tracking number that is late is about the old one, too.
        let (cancel_on_the_way, sync_on_the_way) = (kept && world.cancel_on_the_way, kept && world.sync_on_the_way);
        let world = World { state: sending, held, others_live, cancel_on_the_way, sync_on_the_way, ..world };
        for (held, event) in [
            (Held::Approved, Event::CreditApproved),
            (Held::Dead, Event::CreditRejected),
            (Held::UnderReview, Event::CreditUnderReview),
            (Held::OnHold, Event::CreditOnHold),
        ] {
            let arrived = register(world, held);
            self.after(arrived, &[event, Event::CreditUnknown, Event::ProcessDied], worlds);
        }
        self.after(world, &[Event::CreditNotSent, Event::CreditUnknown, Event::ProcessDied], worlds);
        let late = World { credit_on_the_way: true, ..world };
        self.after(late, &[Event::CreditUnknown, Event::ProcessDied], worlds);
    }

    fn cancel(&self, world: World, worlds: &mut Vec<World>) {
        let Some(state) = (self.next)(world.state, Event::CancelStarted) else { return };
        let world = World { state, ..world };
        self.after(cancelled(world), &[Event::CancelDone, Event::CancelUnknown, Event::ProcessDied], worlds);
        self.after(world, &[Event::CancelFailed, Event::CancelUnknown, Event::ProcessDied], worlds);
        let late = World { cancel_on_the_way: true, ..world };
        self.after(late, &[Event::CancelUnknown, Event::ProcessDied], worlds);
    }

    fn sync(&self, world: World, worlds: &mut Vec<World>) {
        let Some(state) = (self.next)(world.state, Event::SyncStarted) else { return };
        let world = World { state, ..world };
        if matches!(world.held, Held::Approved | Held::Tracked) {
            let done = World { held: Held::Tracked, ..world };
            self.after(done, &[Event::SyncDone, Event::SyncUnknown, Event::ProcessDied], worlds);
        }
        self.after(world, &[Event::SyncFailed, Event::SyncUnknown, Event::ProcessDied], worlds);
        let late = World { sync_on_the_way: true, ..world };
        self.after(late, &[Event::SyncUnknown, Event::ProcessDied], worlds);
    }

    fn check(&self, world: World, worlds: &mut Vec<World>) {
        let mut events = vec![Event::CheckNoNews, Event::CheckOther];
        let in_doubt = match world.held {
            Held::Nothing => self.settles && world.credit_on_the_way,
            Held::Dead => false,
            _ => self.settles && world.state == State::CancelUnknown && world.cancel_on_the_way,
        };
        if !in_doubt {
            events.extend(match world.held {
                Held::Nothing => vec![Event::CheckNotFound],
                Held::UnderReview => vec![Event::CheckUnderReview],
                Held::OnHold => vec![Event::CheckOnHold],
                Held::Approved => vec![Event::CheckApproved],
                Held::Tracked => vec![Event::CheckTracked, Event::CheckPaid],
                Held::Dead => vec![Event::CheckRejected, Event::CheckCancelled],
            });
        }
        if self.believes_the_blind && (world.state, world.held) == (State::CancelUnknown, Held::Dead) {
            events.push(Event::CheckApproved);
        }
        self.after(world, &events, worlds);
    }

    /// An operator who looks carefully: after everything has settled, and at the provider itself.
    fn decide(&self, world: World, worlds: &mut Vec<World>) {
        let late = world.credit_on_the_way || world.cancel_on_the_way || world.sync_on_the_way;
        let events: &[Event] = match world.held {
            Held::Approved if !late => &[Event::OperatorApproved, Event::OperatorRegistered, Event::OperatorUntracked],
            Held::Approved => &[Event::OperatorApproved],
            Held::UnderReview | Held::OnHold if !late => &[Event::OperatorRegistered],
            Held::Tracked => &[Event::OperatorTracked],
            Held::Dead => &[Event::OperatorRejected, Event::OperatorCancelled],
            Held::Nothing if !world.credit_on_the_way => &[Event::OperatorNothing],
            _ => &[],
        };
        self.after(world, events, worlds);
    }

    /// The shop has the provider judge the order by files, and takes the result in. The first time that is
    /// a registration of its own.
    fn csv(&self, world: World, worlds: &mut Vec<World>) {
        for (held, event) in [
            (Held::UnderReview, Event::CsvUnderReview),
            (Held::OnHold, Event::CsvOnHold),
            (Held::Approved, Event::CsvApproved),
            (Held::Dead, Event::CsvRejected),
            (Held::Dead, Event::CsvCancelled),
        ] {
            let judged = if world.state.is_by_csv() { World { held, ..world } } else { register(world, held) };
            self.after(judged, &[event], worlds);
        }
    }

    fn after(&self, world: World, events: &[Event], worlds: &mut Vec<World>) {
        let states = events.iter().filter_map(|event| (self.next)(world.state, *event));
        worlds.extend(states.map(|state| World { state, ..world }));
    }

    /// Walks every reachable world; the first that breaks the rule, or the states they are in.
    fn walk(&self) -> Result<HashSet<State>, World> {
        let start = World {
            state: State::NotAsked,
            held: Held::Nothing,
            others_live: 0,
            credit_on_the_way: false,
            cancel_on_the_way: false,
            sync_on_the_way: false,
        };
        let (mut seen, mut open) = (HashSet::from([start]), VecDeque::from([start]));
        while let Some(world) = open.pop_front() {
            let live = u8::from(world.held.live()) + world.others_live;
            let believed = matches!(world.state, State::Approved | State::Synced | State::CsvApproved);
            let covered = matches!(world.held, Held::Approved | Held::Tracked);
            if live > 1 || (believed && !covered) {
                return Err(world);
            }
            open.extend(self.following(world).into_iter().filter(|next| seen.insert(*next)));
        }
        Ok(seen.into_iter().map(|world| world.state).collect())
    }
}

/// A registration reaches the gateway, which does not care whether it has the reference already.
fn register(world: World, held: Held) -> World {
    World { held, others_live: world.others_live + u8::from(world.held.live()), ..world }
}

fn cancelled(world: World) -> World {
    World { held: if world.held == Held::Nothing { Held::Nothing } else { Held::Dead }, ..world }
}

/// What is on its way arrives late, or never.
fn arrivals(world: World) -> Vec<World> {
    let mut worlds = Vec::new();
    if world.credit_on_the_way {
        let world = World { credit_on_the_way: false, ..world };
        worlds.extend([world, register(world, Held::Approved), register(world, Held::UnderReview)]);
    }
    if world.cancel_on_the_way {
        let world = World { cancel_on_the_way: false, ..world };
        worlds.extend([world, cancelled(world)]);
    }
    if world.sync_on_the_way {
        let world = World { sync_on_the_way: false, ..world };
        let tracked = World { held: Held::Tracked, ..world };
        worlds.extend([Some(world), (world.held == Held::Approved).then_some(tracked)].into_iter().flatten());
    }
    worlds
}

fn verdicts(held: Held) -> &'static [Held] {
    match held {
        Held::UnderReview => &[Held::Approved, Held::Dead, Held::OnHold],
        Held::OnHold => &[Held::Approved, Held::Dead],
        _ => &[],
    }
}

#[test]
fn no_path_leads_to_a_second_live_credit() {
    let reached = RULES.walk().unwrap_or_else(|world| panic!("two live credits, or a false approval: {world:?}"));
    for state in State::VARIANTS.iter().filter(|state| !state.is_claimed()) {
        assert!(reached.contains(state), "the walk never comes to {state}");
    }
}

/// The walk has to notice every one of these.
#[test]
fn broken_rules_are_found_out() {
    fn lost_is_a_failure(state: State, event: Event) -> Option<State> {
        if event == Event::CreditUnknown { Some(State::NotSent) } else { next(state, event) }
    }
    fn death_is_a_failure(state: State, event: Event) -> Option<State> {
        let died = (state, event) == (State::Sending, Event::ProcessDied);
        if died { Some(State::NotSent) } else { next(state, event) }
    }
    fn lost_cancel_is_a_cancel(state: State, event: Event) -> Option<State> {
        if event == Event::CancelUnknown { Some(State::Cancelled) } else { next(state, event) }
    }
    fn unknown_may_be_sent(state: State, event: Event) -> Option<State> {
        let again = (state, event) == (State::Unknown, Event::CreditStarted);
        if again { Some(State::Sending) } else { next(state, event) }
    }
    fn other_is_rejected(state: State, event: Event) -> Option<State> {
        if event == Event::CheckOther { Some(State::Rejected) } else { next(state, event) }
    }
    fn other_is_approved(state: State, event: Event) -> Option<State> {
        if event == Event::CheckOther { Some(State::Approved) } else { next(state, event) }
    }
    fn unknown_takes_csv(state: State, event: Event) -> Option<State> {
        let judged = (state, event) == (State::Unknown, Event::CsvApproved);
        if judged { Some(State::CsvApproved) } else { next(state, event) }
    }
    fn csv_may_be_sent(state: State, event: Event) -> Option<State> {
        let sent = (state, event) == (State::CsvApproved, Event::CreditStarted);
        if sent { Some(State::Sending) } else { next(state, event) }
    }
    for (name, broken) in [
        ("an unknown order takes a result by CSV", Rules { next: unknown_takes_csv, ..RULES }),
        (
            "an order judged by CSV offers a credit",
            Rules { next: csv_may_be_sent, also_offered: Some((State::CsvApproved, Action::Credit)), ..RULES },
        ),
        ("a lost answer is a failure", Rules { next: lost_is_a_failure, ..RULES }),
        ("a dead process sent nothing", Rules { next: death_is_a_failure, ..RULES }),
        ("a lost cancel is a cancel", Rules { next: lost_cancel_is_a_cancel, ..RULES }),
        ("an unknown standing is a rejection", Rules { next: other_is_rejected, ..RULES }),
        ("an unknown standing is an approval", Rules { next: other_is_approved, ..RULES }),
        (
            "an unknown order offers a credit",
            Rules { next: unknown_may_be_sent, also_offered: Some((State::Unknown, Action::Credit)), ..RULES },
        ),
        ("not found is believed at once", Rules { settles: false, ..RULES }),
        ("a verdict hides a cancel", Rules { believes_the_blind: true, ..RULES }),
    ] {
        assert!(broken.walk().is_err(), "the walk does not notice that {name}");
    }
}
