/** Whether a name contains a text, in small letters or capitals; without a text every name does. */
export function hasPart(name: string, text: string = ""): boolean {
  return name.toLowerCase().includes(text.toLowerCase());
}
