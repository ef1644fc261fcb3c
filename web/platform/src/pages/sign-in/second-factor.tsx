import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="second-factor" />;

export default Page;
