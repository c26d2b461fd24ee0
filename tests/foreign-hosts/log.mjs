// The contract's `log`, which every host brings.
export const lines = [];

export function write(level, message) {
  lines.push(`${level}: ${message}`);
}
