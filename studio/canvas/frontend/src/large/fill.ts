// A template's variables, as nodes/prompts/template.py finds them: {name}; {{ and }} are braces.

const PART = /\{\{|\}\}|\{([A-Za-z_]\w*)\}/g;

export function variablesIn(template: string): string[] {
  return [...new Set([...template.matchAll(PART)].flatMap(([, name]) => (name ? [name] : [])))];
}

/** The template with what is known; what is not known stays as it stands. */
export function filledWith(template: string, values: Record<string, string>): string {
  return template.replace(PART, (all, name: string | undefined) =>
    all === "{{" ? "{" : all === "}}" ? "}" : name !== undefined && name in values ? values[name] : all,
  );
}
