/** Makes a sentence of a text of the API. */
export const sentence = (text: string): string => {
    const begin = text.charAt(0).toUpperCase() + text.slice(1);
    return /[.!?]$/.test(begin) ? begin : `${begin}.`;
};
