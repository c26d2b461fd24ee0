//! A component that costs its compiler much.

use wasm_encoder::{
    CodeSection, Component, ComponentExportKind, ComponentExportSection, ComponentInstanceSection, Function,
    FunctionSection, Instruction, Module, ModuleSection, NestedComponentSection, TypeSection, ValType,
};

/// A provider as far as its names go, within every limit on parts, that keeps the compiler busy for long.
pub(crate) fn costly() -> Vec<u8> {
    // Sums of sums, each function a different one: nothing to be shared, and much for the optimiser.
    let body = |seed: i32| {
        let mut function = Function::new([(8, ValType::I64)]);
        for round in 0..20_000i32 {
            let (a, b, c) = ((round + seed) as u32 % 8, (round / 8) as u32 % 8, (round / 64) as u32 % 8);
            function
                .instruction(&Instruction::LocalGet(a))
                .instruction(&Instruction::LocalGet(b))
                .instruction(&Instruction::I64Mul)
                .instruction(&Instruction::I64Const(i64::from(round ^ seed)))
                .instruction(&Instruction::I64Add)
                .instruction(&Instruction::LocalSet(c));
        }
        function.instruction(&Instruction::End);
        function
    };
    provider(&of_bodies((0..40).map(body)))
}

/// A module of functions of the type `[] -> []` with these bodies.
pub(crate) fn of_bodies(bodies: impl IntoIterator<Item = Function>) -> Module {
    let (mut types, mut functions, mut code) = (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([], []);
    for body in bodies {
        functions.function(0);
        code.function(&body);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&code);
    module
}

/// A component with `module` that exports something by the name of the contract.
fn provider(module: &Module) -> Vec<u8> {
    let mut component = Component::new();
    component.section(&ModuleSection(module));
    component.section(&NestedComponentSection(&Component::new()));
    let mut instances = ComponentInstanceSection::new();
    instances.instantiate(0, Vec::<(&str, ComponentExportKind, u32)>::new());
    component.section(&instances);
    let mut exports = ComponentExportSection::new();
    exports.export("deferred-payment:provider/payment-provider@0.1.0", ComponentExportKind::Instance, 0, None);
    component.section(&exports);
    component.finish()
}
