const answer = new URLSearchParams(location.hash.slice(1));
history.replaceState(null, "", location.pathname);
const form = document.querySelector("form");
const texts = {
    "sign-in-cancelled": "The sign-in was cancelled.",
    "provider-unavailable": "The provider does not answer right now. Try again later, or sign in in another way.",
    unavailable: "The service cannot answer right now. Try again shortly.",
};
if (answer.has("code")) {
    form.elements.code.value = answer.get("code");
    form.submit();
} else if (answer.has("error")) {
    document.querySelector("#text").textContent = texts[answer.get("error")] ?? "The sign-in is not valid any more. Begin again.";
}
