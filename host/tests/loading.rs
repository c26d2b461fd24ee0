//! Loading is bounded: what a component is made of, and what it costs to compile.

mod common;
#[path = "common/costly.rs"]
mod costly;

use common::component;
use costly::{costly, of_bodies};
use provider_host::{CompileError, Compiler, Host, Limits, LoadError, Permissions, structure_limits};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};
use wasm_encoder::{
    Alias, BlockType, CanonicalFunctionSection, CodeSection, Component, ComponentAliasSection, ComponentExportKind,
    ComponentExportSection, ComponentImportSection, ComponentInstanceSection, ComponentOuterAliasKind,
    ComponentTypeRef, ComponentTypeSection, ConstExpr, DataSection, ElementSection, Elements, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection, InstanceType, Instruction,
    MemorySection, MemoryType, Module, ModuleSection, NestedComponentSection, RefType, TableSection, TableType,
    TypeSection, ValType,
};

/// What refusing one file may take; it takes well below a second.
const AT_ONCE: Duration = Duration::from_secs(20);
/// What this may add to the memory of this process, in which other tests run as well; reading takes some MiB.
const LITTLE: u64 = 1 << 30;

async fn refusal(bytes: Vec<u8>, host: &Host) -> LoadError {
    host.load_bytes("generated.wasm", bytes, Permissions::default()).await.expect_err("loaded")
}

fn of_module(module: &Module) -> Vec<u8> {
    let mut component = Component::new();
    component.section(&ModuleSection(module));
    component.finish()
}

/// Functions of the type `[] -> []` with these bodies.
fn of_functions(bodies: impl IntoIterator<Item = Function>) -> Vec<u8> {
    of_module(&of_bodies(bodies))
}

fn function(instructions: impl IntoIterator<Item = Instruction<'static>>) -> Function {
    let mut function = Function::new([]);
    for instruction in instructions {
        function.instruction(&instruction);
    }
    function.instruction(&Instruction::End);
    function
}

fn of_type(params: usize, results: usize) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function(vec![ValType::I32; params], vec![ValType::I32; results]);
    let mut module = Module::new();
    module.section(&types);
    of_module(&module)
}

fn nested_components(levels: usize) -> Vec<u8> {
    (0..levels)
        .fold(Component::new(), |inner, _| {
            let mut outer = Component::new();
            outer.section(&NestedComponentSection(&inner));
            outer
        })
        .finish()
}

/// An instance type in an instance type in ….  Written by hand: the encoder calls itself for each level.
fn nested_types(levels: usize) -> Vec<u8> {
    // A section with one type; each level an instance type with one declaration, which is a type.
    let mut content = vec![0x01];
    content.extend([0x42, 0x01, 0x01].repeat(levels));
    content.extend([0x42, 0x00]);
    let mut component = Component::new();
    component.section(&wasm_encoder::RawSection { id: 7, data: &content });
    component.finish()
}

fn branch_table(targets: usize) -> Function {
    let table = Instruction::BrTable(vec![0; targets].into(), 0);
    function([Instruction::I32Const(0), table])
}

/// A component that has too much of each part, the largest that was found to be costly.
fn excessive() -> Vec<(&'static str, Vec<u8>)> {
    let mut modules = Component::new();
    let mut components = Component::new();
    for _ in 0..1_000 {
        modules.section(&ModuleSection(&Module::new()));
        components.section(&NestedComponentSection(&Component::new()));
    }

    let mut types = ComponentTypeSection::new();
    for _ in 0..900_000 {
        types.defined_type().primitive(wasm_encoder::PrimitiveValType::U8);
    }
    let mut many_types = Component::new();
    many_types.section(&types);

    let mut imports = ImportSection::new();
    for _ in 0..500_000 {
        imports.import("", "", wasm_encoder::EntityType::Function(0));
    }
    let mut many_imports = Module::new();
    many_imports.section(&imports);

    let mut exports = ExportSection::new();
    for _ in 0..500_000 {
        exports.export("", ExportKind::Func, 0);
    }
    let mut many_exports = Module::new();
    many_exports.section(&exports);

    let mut instances = ComponentInstanceSection::new();
    for _ in 0..100_000 {
        instances.instantiate(0, Vec::<(&str, ComponentExportKind, u32)>::new());
    }
    let mut many_instances = Component::new();
    many_instances.section(&instances);

    let (mut aliases, mut lowered) = (ComponentAliasSection::new(), CanonicalFunctionSection::new());
    for _ in 0..100_000 {
        aliases.alias(Alias::Outer { kind: ComponentOuterAliasKind::Type, count: 0, index: 0 });
        lowered.lower(0, []);
    }
    let mut much_glue = Component::new();
    much_glue.section(&aliases).section(&lowered);

    let mut globals = GlobalSection::new();
    let number = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
    for _ in 0..500_000 {
        globals.global(number, &ConstExpr::i32_const(0));
    }
    let mut many_globals = Module::new();
    many_globals.section(&globals);

    let mut segments = DataSection::new();
    for _ in 0..100_000 {
        segments.active(0, &ConstExpr::i32_const(0), []);
    }
    let memory = |minimum| MemoryType { minimum, maximum: None, memory64: false, shared: false, page_size_log2: None };
    let mut memories = MemorySection::new();
    memories.memory(memory(1));
    let mut many_segments = Module::new();
    many_segments.section(&memories).section(&segments);

    // Empty memories do not count.
    let mut three_memories = MemorySection::new();
    for minimum in [0, 1, 0, 1, 0, 1] {
        three_memories.memory(memory(minimum));
    }
    let mut many_memories = Module::new();
    many_memories.section(&three_memories);

    let mut core_instances = wasm_encoder::InstanceSection::new();
    for _ in 0..65 {
        core_instances.instantiate(0, Vec::<(&str, wasm_encoder::ModuleArg)>::new());
    }
    let mut many_core_instances = Component::new();
    many_core_instances.section(&core_instances);

    let mut tables = TableSection::new();
    let table =
        TableType { element_type: RefType::FUNCREF, minimum: 1_000_000, maximum: None, table64: false, shared: false };
    tables.table(table);
    let mut elements = ElementSection::new();
    elements.active(None, &ConstExpr::i32_const(0), Elements::Functions(vec![0; 1_000_000].into()));
    let mut many_elements = Module::new();
    many_elements.section(&tables).section(&elements);

    let deep = 1_000_000;
    let blocks = std::iter::repeat_n(Instruction::Block(BlockType::Empty), deep)
        .chain(std::iter::repeat_n(Instruction::End, deep));
    // Blocks of half a function's bytes, so that their depth alone is at fault.
    let nested = std::iter::repeat_n(Instruction::Block(BlockType::Empty), 100_000)
        .chain(std::iter::repeat_n(Instruction::End, 100_000));

    vec![
        ("core modules", modules.finish()),
        ("nested components", components.finish()),
        ("levels of nested components", nested_components(1_000)),
        ("levels of nested types", nested_types(3_000_000)),
        ("types", many_types.finish()),
        ("parameters of a function", of_type(1_000, 0)),
        ("results of a function", of_type(0, 1_000)),
        ("imports", of_module(&many_imports)),
        ("exports", of_module(&many_exports)),
        ("instances", many_instances.finish()),
        ("core instances", many_core_instances.finish()),
        ("memories that are not empty", of_module(&many_memories)),
        ("aliases and canonical functions", much_glue.finish()),
        ("functions lifted in nested components", wat::parse_str(OWN_STACK).unwrap()),
        ("functions", of_functions(std::iter::repeat_n(function([]), 100_000))),
        ("bytes of a function", of_functions([function(blocks)])),
        ("locals of a function", of_functions([Function::new([(50_000, ValType::I32)])])),
        (
            "locals of all functions",
            of_functions((0..40_000).map(|_| {
                let mut function = Function::new([(5_000, ValType::I32)]);
                function.instruction(&Instruction::End);
                function
            })),
        ),
        ("levels of nested blocks", of_functions([function(nested)])),
        ("branch targets of a function", of_functions([branch_table(400_000)])),
        ("globals", of_module(&many_globals)),
        ("data and element segments", of_module(&many_segments)),
        ("elements", of_module(&many_elements)),
    ]
}

/// A component whose part offers it a function: a call of it waits on a stack of its own.
const OWN_STACK: &str = r#"(component
    (component $part
        (core module $module (func (export "wait")))
        (core instance $instance (instantiate $module))
        (func (export "wait") (canon lift (core func $instance "wait"))))
    (instance $part (instantiate $part))
    (export "wait" (func $part "wait")))"#;

/// The most memory that this process has had.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

#[tokio::test]
async fn what_a_component_is_made_of_is_bounded_before_it_is_compiled() {
    let host = Host::builder().build().unwrap();
    let (limits, files) = (structure_limits().collect::<Vec<_>>(), excessive());
    let covered: BTreeSet<_> = files.iter().map(|(part, _)| *part).collect();
    assert_eq!(covered, limits.iter().map(|(part, _)| *part).collect(), "a limit that no component meets");
    let before = peak();
    for (expected, bytes) in files {
        let (began, size) = (Instant::now(), bytes.len());
        let error = refusal(bytes, &host).await;
        let LoadError::TooComplex { part, found, limit, .. } = &error else { panic!("{expected}: {error}") };
        assert!(*part == expected && found > limit, "{expected} ({size} bytes): {error}");
        assert!(limits.contains(&(part, *limit)), "{error}");
        assert!(error.to_string().contains(&format!("{found} {part}; at most {limit} are allowed")), "{error}");
        assert!(began.elapsed() < AT_ONCE, "{expected}: {:?}", began.elapsed());
    }
    assert!(peak() - before < LITTLE, "{} bytes of memory", peak() - before);
}

#[tokio::test]
async fn the_size_that_is_told_is_the_true_one() {
    let host = Host::builder().build().unwrap();
    let error = refusal(of_functions(std::iter::repeat_n(function([]), 123_456)), &host).await;
    assert!(error.to_string().contains("has 123456 functions; at most 50000 are allowed"), "{error}");
}

/// Imports of a component whose code is not valid: a host that compiles first speaks of the code.
#[tokio::test]
async fn imports_are_looked_at_before_anything_is_compiled() {
    let host = Host::builder().build().unwrap();
    let mut component = Component::new();
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    let mut imports = ComponentImportSection::new();
    imports.import("wasi:filesystem/types@0.3.0", ComponentTypeRef::Instance(0));
    let mut exports = ComponentExportSection::new();
    exports.export("a", ComponentExportKind::Instance, 0, None);
    component.section(&types).section(&imports).section(&exports);
    component.section(&wasm_encoder::RawSection { id: 1, data: &of_functions_unfinished() });
    let error = refusal(component.finish(), &host).await;
    assert!(
        matches!(&error, LoadError::Refused { reason, .. } if reason.to_string().contains("wasi:filesystem")),
        "{error}"
    );
}

/// A module whose one function adds what is not there.
fn of_functions_unfinished() -> Vec<u8> {
    let (mut types, mut functions, mut code) = (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([], []);
    functions.function(0);
    code.function(&function([Instruction::I32Add]));
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&code);
    module.finish()
}

fn compiler() -> Compiler {
    Compiler::program(env!("CARGO_BIN_EXE_provider-host-compiler"))
}

fn host(limits: Limits) -> Host {
    Host::builder().limits(limits).compile_in(compiler()).build().unwrap()
}

async fn why(host: &Host, bytes: Vec<u8>) -> CompileError {
    match refusal(bytes, host).await {
        LoadError::Compile { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_component_that_takes_too_much_memory_is_stopped_and_the_host_goes_on() {
    let limit = 64 << 20;
    let host = host(Limits { compile_memory: limit, ..Limits::default() });
    let error = why(&host, costly()).await;
    assert!(matches!(error, CompileError::Memory(met) if met == limit), "{error}");
    assert!(peak() < 1 << 30);
}

#[tokio::test]
async fn a_component_that_takes_too_much_computing_is_stopped() {
    let limit = Duration::from_secs(1);
    let error = why(&host(Limits { compile_cpu: limit, ..Limits::default() }), costly()).await;
    assert!(matches!(error, CompileError::Cpu(met) if met == limit), "{error}");
}

#[tokio::test]
async fn a_component_that_takes_too_long_is_stopped() {
    let (limit, began) = (Duration::from_millis(300), Instant::now());
    let error = why(&host(Limits { compile_time: limit, ..Limits::default() }), costly()).await;
    assert!(matches!(error, CompileError::Time(met) if met == limit), "{error}");
    assert!(began.elapsed() < AT_ONCE);
}

#[tokio::test]
async fn what_another_process_compiled_runs_and_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("compiled");
    let host = Host::builder().cache_dir(&cache).compile_in(compiler()).build().unwrap();
    let plugin = host.load(component("hostile"), Permissions::default()).await.unwrap();
    assert_eq!(plugin.info().id, "hostile");
    assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 1);
    // A host that compiles by itself takes the very same file.
    let alone = Host::builder().cache_dir(&cache).build().unwrap();
    assert_eq!(alone.load(component("hostile"), Permissions::default()).await.unwrap().info().id, "hostile");
    assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 1);
}

#[tokio::test]
async fn what_is_not_valid_is_told_by_the_compiler() {
    let mut types = ComponentTypeSection::new();
    types.defined_type().list(wasm_encoder::ComponentValType::Type(77));
    let mut component = Component::new();
    component.section(&types);
    let mut exports = ComponentExportSection::new();
    exports.export("deferred-payment:provider/payment-provider@0.1.0", ComponentExportKind::Type, 0, None);
    component.section(&exports);
    let error = refusal(component.finish(), &host(Limits::default())).await;
    assert!(matches!(&error, LoadError::NotAComponent { reason, .. } if reason.contains("77")), "{error}");
}

#[tokio::test]
async fn a_program_that_does_not_compile_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let program = script(folder.path(), "cat");
    let host = Host::builder().compile_in(Compiler::program(program)).build().unwrap();
    let bytes = std::fs::read(component("hostile")).unwrap();
    let error = why(&host, bytes.clone()).await;
    assert!(error.to_string().contains("run_if_child"), "{error}");
    let host = Host::builder().compile_in(Compiler::program(folder.path().join("nothing"))).build().unwrap();
    assert!(why(&host, bytes).await.to_string().contains("nothing"));
}

/// The environment can hold the platform's keys; a process that reads what others wrote gets none of it.
#[tokio::test]
async fn the_compiler_is_given_no_environment() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let program = script(folder.path(), &format!("cat > /dev/null; env > {}", seen.display()));
    let host = Host::builder().compile_in(Compiler::program(program)).build().unwrap();
    why(&host, std::fs::read(component("hostile")).unwrap()).await;
    let seen = std::fs::read_to_string(seen).unwrap();
    let allowed = ["RAYON_NUM_THREADS=", "LD_LIBRARY_PATH=", "PWD=", "SHLVL=", "_=", "OLDPWD="];
    assert!(seen.contains("RAYON_NUM_THREADS") && std::env::vars_os().count() > 5, "nothing is shown");
    for line in seen.lines() {
        assert!(allowed.iter().any(|name| line.starts_with(name)), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn components_are_loaded_a_few_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let busy = folder.path().join("busy");
    let text = format!(
        "cat > /dev/null; echo x >> {0}.began; mkdir {0} || touch {0}.twice; sleep 0.2; rmdir {0}",
        busy.display()
    );
    let program = script(folder.path(), &text);
    let limits = Limits { concurrent_loads: 1, ..Limits::default() };
    let host = Host::builder().limits(limits).compile_in(Compiler::program(program)).build().unwrap();
    let bytes = std::fs::read(component("hostile")).unwrap();
    let loads = (0..4).map(|_| host.load_bytes("x.wasm", bytes.clone(), Permissions::default()));
    assert!(futures::future::join_all(loads).await.iter().all(Result::is_err));
    let began = std::fs::read_to_string(busy.with_extension("began")).unwrap();
    assert_eq!(began.lines().count(), 4, "not every load came to its compiler");
    assert!(!busy.with_extension("twice").exists(), "two were loaded at once");
}

fn script(folder: &Path, commands: &str) -> std::path::PathBuf {
    let path = folder.join("compiler.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{commands}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test]
async fn a_component_of_another_provider_than_its_permission_names_is_refused() {
    let host = Host::builder().build().unwrap();
    let granted = |provider: &str| Permissions { provider: Some(provider.to_owned()), ..Permissions::default() };
    let error = host.load(component("hostile"), granted("np")).await.unwrap_err();
    assert!(
        matches!(&error, LoadError::Provider { expected, found, .. } if expected == "np" && found == "hostile"),
        "{error}"
    );
    assert!(host.load(component("hostile"), granted("hostile")).await.is_ok());
}
