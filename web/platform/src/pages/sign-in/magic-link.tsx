import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="magic-link" />;

export default Page;
