//! The two engines of a host. They compile the same code and differ in where an instance's memory comes from: out of a
//! pool that is mapped once and keeps the pages of the last calls, or from the system, anew for each call.
//!
//! The pool is for components as the SDK makes them, with one memory. It has a place for every call that may run at once
//! and for nothing more, so what one plugin does leaves the others theirs: a call takes its permit before its instance,
//! and gives it back after. A component that needs more than such a place runs in the other engine, as do all where the
//! system has no address space for the pool.

use crate::error::CompileError;
use crate::limits::{
    EPOCH_INTERVAL, Limits, MAX_STACK, POOLED_INSTANCES, POOLED_MEMORY_RESIDENT, POOLED_STACK_RESIDENT, POOLED_STACKS,
    POOLED_TABLE_RESIDENT, POOLED_TABLES,
};
use crate::structure::Structure;
use wasmtime::component::Component;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// The engines of a host.
pub(crate) struct Engines {
    on_demand: Engine,
    pooled: Option<Engine>,
}

impl Engines {
    pub(crate) fn new(limits: &Limits) -> wasmtime::Result<Self> {
        let on_demand = on_demand()?;
        let pooled = pooled(limits).inspect_err(|error| {
            tracing::warn!("there is no pool for the memory of plugins, so their calls take longer: {error:#}");
        });
        let engines = Self { on_demand, pooled: pooled.ok() };
        spawn_epoch_ticker(&engines);
        Ok(engines)
    }

    /// The engine that compiles; what it has compiled runs in either.
    pub(crate) fn compiler(&self) -> &Engine {
        &self.on_demand
    }

    /// Each of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Engine> {
        std::iter::once(&self.on_demand).chain(&self.pooled)
    }

    /// Loads what was `compiled`, by this process or a compiling one, from a component of this `structure`.
    pub(crate) fn deserialize(&self, structure: &Structure, compiled: &[u8]) -> Result<Component, CompileError> {
        let may_fit = structure.memories == 1 && structure.core_instances <= POOLED_INSTANCES.into();
        let pooled = self.pooled.as_ref().filter(|_| may_fit);
        // Sizes are looked at by the pool itself.
        let component = pooled.and_then(|engine| deserialize(engine, compiled).ok());
        let component = component.map_or_else(|| deserialize(&self.on_demand, compiled), Ok);
        component.map_err(|error| CompileError::Process(error.root_cause().to_string()))
    }
}

fn deserialize(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    #[expect(unsafe_code, reason = "wasmtime runs compiled code as it is; see SAFETY")]
    // SAFETY: these bytes come from this host's compiler: directly, or from a file that only this user can
    // have written.
    unsafe {
        Component::deserialize(engine, compiled)
    }
}

/// What compiles, and runs what has no place in the pool. An engine does not accept what one with another configuration
/// compiled; where memory comes from is no part of it.
pub(crate) fn on_demand() -> wasmtime::Result<Engine> {
    Engine::new(&config())
}

fn pooled(limits: &Limits) -> wasmtime::Result<Engine> {
    Engine::new(config().allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits))))
}

fn config() -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true).max_wasm_stack(MAX_STACK);
    // What a call left on a stack is not the next one's to find.
    config.async_stack_zeroing(true);
    config
}

/// Places for [`Limits::concurrent_calls`] calls.
fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let calls = u32::try_from(limits.concurrent_calls).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(calls.saturating_mul(POOLED_INSTANCES))
        .total_memories(calls)
        .total_tables(calls.saturating_mul(POOLED_TABLES))
        .total_stacks(calls.saturating_mul(POOLED_STACKS))
        .max_core_instances_per_component(POOLED_INSTANCES)
        .max_memories_per_component(1)
        .max_tables_per_component(POOLED_TABLES)
        .max_memory_size(limits.memory)
        .table_elements(limits.table_elements)
        .linear_memory_keep_resident(POOLED_MEMORY_RESIDENT)
        .table_keep_resident(POOLED_TABLE_RESIDENT)
        .async_stack_keep_resident(POOLED_STACK_RESIDENT)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Advances the epoch of the engines for as long as they live.
fn spawn_epoch_ticker(engines: &Engines) {
    let engines: Vec<_> = engines.all().map(Engine::weak).collect();
    std::thread::spawn(move || {
        loop {
            let alive: Vec<_> = engines.iter().filter_map(|engine| engine.upgrade()).collect();
            if alive.is_empty() {
                break;
            }
            alive.iter().for_each(Engine::increment_epoch);
            drop(alive);
            std::thread::sleep(EPOCH_INTERVAL);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::Store;
    use wasmtime::component::Linker;

    fn one_place() -> Engines {
        Engines::new(&Limits { concurrent_calls: 1, ..Limits::default() }).unwrap()
    }

    fn load(engines: &Engines, component: &[u8]) -> Component {
        let structure = Structure::read(component).unwrap();
        let compiled = engines.compiler().precompile_component(component).unwrap();
        engines.deserialize(&structure, &compiled).unwrap()
    }

    fn is_pooled(engines: &Engines, component: &Component) -> bool {
        engines.pooled.as_ref().is_some_and(|pooled| Engine::same(pooled, component.engine()))
    }

    #[test]
    fn plugins_of_the_sdk_have_a_place_in_the_pool() {
        let engines = Engines::new(&Limits::default()).unwrap();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/plugins");
        for name in ["atobarai-com", "np", "atodene", "score", "kuroneko"] {
            let file = std::path::Path::new(folder).join(name).with_extension("wasm");
            let bytes = std::fs::read(file).expect("run `cargo xtask plugins` first");
            assert!(is_pooled(&engines, &load(&engines, &bytes)), "{name}");
        }
    }

    /// Writes into everything that a plugin can write, and returns the sum of what was there before: at two places of
    /// its memory, in what it grows by, in a table and a global.
    const WRITES: &str = r#"(component
        (core module $module
            (memory (export "memory") 1)
            (data (i32.const 0) "\01")
            (table $table 200 300 funcref)
            (global $global (mut i32) (i32.const 10))
            (elem declare func $itself)
            (func $itself (export "run") (result i32)
                (local $found i32) (local $grown i32)
                (local.set $found (i32.add (i32.load8_u (i32.const 0)) (i32.load8_u (i32.const 60000))))
                (local.set $grown (i32.mul (memory.grow (i32.const 9)) (i32.const 65536)))
                (local.set $found (i32.add (local.get $found) (i32.load8_u (local.get $grown))))
                (local.set $found (i32.add (local.get $found)
                    (i32.load8_u (i32.add (local.get $grown) (i32.const 589823)))))
                (local.set $found (i32.add (local.get $found) (global.get $global)))
                (local.set $found (i32.add (local.get $found)
                    (select (i32.const 0) (i32.const 100) (ref.is_null (table.get $table (i32.const 199))))))
                (i32.store8 (i32.const 0) (i32.const 77))
                (i32.store8 (i32.const 60000) (i32.const 77))
                (i32.store8 (local.get $grown) (i32.const 77))
                (i32.store8 (i32.add (local.get $grown) (i32.const 589823)) (i32.const 77))
                (global.set $global (i32.const 77))
                (table.set $table (i32.const 199) (ref.func $itself))
                (local.get $found)))
        (core instance $instance (instantiate $module))
        (func (export "run") (result u32) (canon lift (core func $instance "run"))))"#;

    async fn run(component: &Component) -> u32 {
        let mut store = Store::new(component.engine(), ());
        store.set_epoch_deadline(u64::MAX / 2);
        let linker = Linker::new(component.engine());
        let instance = linker.instantiate_async(&mut store, component).await.unwrap();
        let run = instance.get_typed_func::<(), (u32,)>(&mut store, "run").unwrap();
        run.call_async(&mut store, ()).await.unwrap().0
    }

    #[tokio::test]
    async fn nothing_that_a_call_wrote_is_there_for_the_next_in_its_place() {
        let engines = one_place();
        let component = load(&engines, &wat::parse_str(WRITES).unwrap());
        assert!(is_pooled(&engines, &component));
        // Another component in the same place, whose memory begins otherwise.
        let other = load(&engines, &wat::parse_str(WRITES.replace(r"\01", r"\02")).unwrap());
        for _ in 0..3 {
            assert_eq!((run(&component).await, run(&component).await, run(&other).await), (11, 11, 12));
        }
    }

    #[test]
    fn what_has_no_place_in_the_pool_runs_without_one() {
        let engines = one_place();
        let memory = |pages: usize| {
            format!("(component (core module $module (memory {pages})) (core instance (instantiate $module)))")
        };
        let fits = load(&engines, &wat::parse_str(memory(1_024)).unwrap());
        assert!(is_pooled(&engines, &fits));
        let too_large = load(&engines, &wat::parse_str(memory(1_025)).unwrap());
        let instances = "(core instance (instantiate $module))".repeat(2);
        let two = memory(1).replace("(core instance (instantiate $module))", &instances);
        let two_memories = load(&engines, &wat::parse_str(two).unwrap());
        assert!(!is_pooled(&engines, &too_large) && !is_pooled(&engines, &two_memories));
    }

    #[test]
    fn without_address_space_there_is_no_pool_and_plugins_run() {
        let engines = Engines::new(&Limits { concurrent_calls: 1 << 20, ..Limits::default() }).unwrap();
        assert!(engines.pooled.is_none());
        let component = load(&engines, &wat::parse_str(WRITES).unwrap());
        assert!(Engine::same(component.engine(), &engines.on_demand));
    }
}
